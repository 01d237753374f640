//! Connects to a unix socket without ever blocking the thread, whatever its path leads through.
//!
//! The kernel looks up the path first, and a file system that hangs blocks the
//! caller. So connecting runs on the blocking pool, by one task at a time for
//! each source. An abstract address, and a path through non-blocking file
//! systems only (`host::filesystem`), need no detour. The file systems of a path
//! are checked on the blocking pool, again after [`TRUST`] and after every
//! failure.
//!
//! If the queue of the listener is full, connecting waits, like a blocking
//! connect (unix(7)): a non-blocking one returns `EAGAIN`.

mod address;
mod connect_error;

pub(super) use address::Address;
pub(super) use connect_error::ConnectError;

use crate::blocking::BlockingPool;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use std::cell::Cell;
use std::io;
use std::os::unix::net as blocking;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// The time for which a path is assumed to lead through the same file systems. A mount over one of its
/// directories, or a link in place of one, is rare. If it hangs then, the actor is treated like
/// one with other code that does not return.
const TRUST: Duration = Duration::from_secs(300);

/// The pause between attempts to connect to a socket whose queue is full.
const RETRY_INTERVAL: Duration = Duration::from_millis(10);

/// Connects for one source.
#[derive(Debug)]
pub(super) struct Connector {
    /// One permit: a caller that gives up leaves its task running, and no second one starts
    /// beside it.
    pool_task: Arc<Semaphore>,
    blocking: BlockingPool,
    /// The time until which the path is trusted not to block.
    trusted_until: Cell<Option<Instant>>,
    waiting_for: Cell<WaitingFor>,
}

/// The cause for which the current or the latest attempt waits.
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
    pub(super) fn new(blocking: BlockingPool) -> Self {
        Self {
            blocking,
            pool_task: Arc::new(Semaphore::new(1)),
            trusted_until: Cell::new(None),
            waiting_for: Cell::new(WaitingFor::LookUp),
        }
    }

    pub(super) fn waiting_for(&self) -> WaitingFor {
        self.waiting_for.get()
    }

    /// Connects, without a time limit.
    ///
    /// # Errors
    /// Every error of connect(2) except a full queue.
    pub(super) async fn connect(&self, address: &Address) -> Result<UnixStream, ConnectError> {
        self.waiting_for.set(WaitingFor::LookUp);
        loop {
            let attempt = match self.is_trusted(address) {
                true => try_connect(address).map_err(ConnectError::from),
                false => self.try_connect_on_pool(address.clone()).await,
            };
            match attempt {
                Ok(stream) => {
                    self.waiting_for.set(WaitingFor::Nothing);
                    return UnixStream::from_std(stream).map_err(ConnectError::from);
                }
                Err(error) if error.error.kind() == io::ErrorKind::WouldBlock => {
                    self.waiting_for.set(WaitingFor::Queue);
                    tokio::time::sleep(RETRY_INTERVAL).await;
                }
                // Try again on the pool, where the path may be searched for the cause.
                Err(_) if self.trusted_until.take().is_some() => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether connecting on this thread does not block.
    fn is_trusted(&self, address: &Address) -> bool {
        match address {
            Address::Abstract(_) => true,
            Address::Path(_) => self.trusted_until.get() > Some(Instant::now()),
        }
    }

    /// Connects on the blocking pool, and checks the file systems of the path.
    async fn try_connect_on_pool(
        &self,
        address: Address,
    ) -> Result<blocking::UnixStream, ConnectError> {
        let permit = Arc::clone(&self.pool_task).acquire_owned().await;
        let connecting = self.blocking.spawn(move || {
            // Released when the task ends, not when its caller stops waiting.
            let _permit = permit;
            let stream =
                try_connect(&address).map_err(|error| ConnectError::diagnose(&address, error))?;
            Ok::<_, ConnectError>((stream, address.is_non_blocking()))
        });
        match connecting.await {
            Ok(attempt) => {
                let (stream, non_blocking) = attempt?;
                let trusted_until = non_blocking.then(|| Instant::now() + TRUST);
                self.trusted_until.set(trusted_until);
                Ok(stream)
            }
            Err(error) => Err(error.or_resume_panic().into()),
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

impl WaitingFor {
    /// The end of an error message about a timeout; `None` if the socket is connected.
    pub(super) fn words(self) -> Option<&'static str> {
        match self {
            Self::LookUp => Some("; the file system that its path leads to hangs"),
            Self::Queue => Some("; its queue of connections is full: it accepts none"),
            Self::Nothing => None,
        }
    }
}
