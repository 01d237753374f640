//! Connecting to a unix socket, whatever its path leads through.
//!
//! The kernel looks a path up before anything else, and a file system that hangs
//! holds whoever asks: so it is asked on the blocking pool, by one task at a time
//! for each source. Where the path leads through file systems alone that do not
//! hang ([`filesystem`]), and in what has no path, the detour is spared; whether that is
//! so is seen on the blocking pool, anew now and then and after every failure.
//! A full queue of the listener means waiting, as it does for a blocking connect,
//! unix(7): a non-blocking one gets `EAGAIN`.

mod connect_error;

pub(super) use connect_error::ConnectError;

use crate::blocking::resume_panic;
use crate::host::filesystem;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use std::cell::Cell;
use std::fmt;
use std::io;
use std::os::unix::net as blocking;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// For how long a path is taken to lead through the file systems that it led through:
/// a mount over one of its directories, or a link in place of one, is rare, and one that
/// hangs then is survived like other code that does not return.
const TRUST: Duration = Duration::from_secs(300);

/// How long to wait before knocking again at a socket whose queue is full.
const RETRY_INTERVAL: Duration = Duration::from_millis(10);

/// Where a socket is, unix(7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// In a file system.
    Path(PathBuf),
    /// Nowhere but in the kernel, by a name.
    Abstract(Vec<u8>),
}

/// Connects for one source.
#[derive(Debug)]
pub(super) struct Connector {
    /// Whoever gave up on a look-up leaves it behind, and no second one begins beside it.
    looking_up: Arc<Semaphore>,
    /// Until when a look-up is known to wait for nobody.
    trusted_until: Cell<Option<Instant>>,
    waiting_for: Cell<WaitingFor>,
}

/// What the latest connecting waits for, or waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WaitingFor {
    /// The file systems that the path leads through.
    LookUp,
    /// The listener, whose queue is full.
    Queue,
    /// Nothing: it is connected.
    Nothing,
}

impl Connector {
    pub(super) fn new() -> Self {
        Self {
            looking_up: Arc::new(Semaphore::new(1)),
            trusted_until: Cell::new(None),
            waiting_for: Cell::new(WaitingFor::LookUp),
        }
    }

    pub(super) fn waiting_for(&self) -> WaitingFor {
        self.waiting_for.get()
    }

    /// Connects, however long that takes.
    ///
    /// # Errors
    /// Any but a full queue.
    pub(super) async fn connect(&self, address: &Address) -> Result<UnixStream, ConnectError> {
        self.waiting_for.set(WaitingFor::LookUp);
        loop {
            let attempt = match self.never_blocks(address) {
                true => try_connect(address).map_err(ConnectError::from),
                false => self.try_connect_on_pool(address.clone()).await,
            };
            match attempt {
                Ok(stream) => {
                    self.waiting_for.set(WaitingFor::Nothing);
                    return UnixStream::from_std(stream).map_err(ConnectError::from);
                }
                Err(why) if why.error.kind() == io::ErrorKind::WouldBlock => {
                    self.waiting_for.set(WaitingFor::Queue);
                    tokio::time::sleep(RETRY_INTERVAL).await;
                }
                // What is wrong with the path is found out where nobody waits for it.
                Err(_) if self.trusted_until.take().is_some() => {}
                Err(why) => return Err(why),
            }
        }
    }

    /// Whether to try_connect here and now.
    fn never_blocks(&self, address: &Address) -> bool {
        match address {
            Address::Abstract(_) => true,
            Address::Path(_) => self.trusted_until.get() > Some(Instant::now()),
        }
    }

    /// Knocks on the blocking pool, and looks at the way there.
    async fn try_connect_on_pool(
        &self,
        address: Address,
    ) -> Result<blocking::UnixStream, ConnectError> {
        let turn = Arc::clone(&self.looking_up).acquire_owned().await;
        let connecting = tokio::task::spawn_blocking(move || {
            // Given back when the look-up ends, not when nobody waits for it.
            let _turn = turn;
            let stream =
                try_connect(&address).map_err(|error| ConnectError::at(&address, error))?;
            Ok::<_, ConnectError>((stream, address.is_local()))
        });
        match connecting.await {
            Ok(attempt) => {
                let (stream, local) = attempt?;
                let trusted_until = local.then(|| Instant::now() + TRUST);
                self.trusted_until.set(trusted_until);
                Ok(stream)
            }
            Err(error) => resume_panic(error).await,
        }
    }
}

/// Connects without waiting for the listener.
fn try_connect(address: &Address) -> io::Result<blocking::UnixStream> {
    let address = match address {
        Address::Path(path) => SocketAddrUnix::new(path)?,
        Address::Abstract(name) => SocketAddrUnix::new_abstract_name(name)?,
    };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::io::retry_on_intr(|| connect(&socket, &address))?;
    Ok(socket.into())
}

impl Address {
    /// Whether a look-up waits for nobody; blocks where it does.
    fn is_local(&self) -> bool {
        match self {
            Self::Abstract(_) => true,
            Self::Path(path) => filesystem::is_non_blocking(path),
        }
    }
}

impl WaitingFor {
    /// The end of a sentence about what is waited for, unless it is nothing.
    pub(super) fn words(self) -> Option<&'static str> {
        match self {
            Self::LookUp => Some("; the file system that its path leads to hangs"),
            Self::Queue => Some("; its queue of connections is full: it accepts none"),
            Self::Nothing => None,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(out, "{}", path.display()),
            Self::Abstract(name) => write!(out, "@{}", name.escape_ascii()),
        }
    }
}
