//! A daemon that serves an exposition on a unix socket: one text per connection, which it then
//! closes.
//!
//! Guarantees: a client that reads to the end has the whole text, and [`PromSock::last_served`] is
//! that text by then; dropping the daemon stops its threads and unlinks its socket. It reads
//! nothing from its clients and creates no directories.

use crate::listener::{Listener, Woken, accept};
use crate::lock;
use std::fmt;
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long a client that does not read may occupy its thread.
const WRITE_LIMIT: Duration = Duration::from_secs(5);

/// A running socket daemon.
pub struct PromSock {
    path: PathBuf,
    shared: Arc<Shared>,
    wake: Option<UnixStream>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

struct Shared {
    source: Box<dyn Fn() -> Vec<u8> + Send + Sync>,
    served: Mutex<Served>,
}

#[derive(Default)]
struct Served {
    count: u64,
    last: Option<Vec<u8>>,
}

impl PromSock {
    /// Binds `path` (removing a stale socket there) and serves what `source` returns, which is
    /// called for each connection. Connections are accepted when this returns.
    ///
    /// # Errors
    ///
    /// If the path cannot be bound: its directory is missing, another process listens there, or it
    /// is not a socket. The message names the path.
    pub fn bind(
        path: impl AsRef<Path>,
        source: impl Fn() -> Vec<u8> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = Listener::bind(path.as_ref())?;
        let (wake, woken) = UnixStream::pair()?;
        let shared = Arc::new(Shared {
            source: Box::new(source),
            served: Mutex::default(),
        });
        let for_thread = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("promsock".to_owned())
            .spawn(move || run(&listener, &woken, &for_thread))?;
        Ok(Self {
            path: path.as_ref().to_owned(),
            shared,
            wake: Some(wake),
            thread: Some(thread),
        })
    }

    /// The path of the socket.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The text that the latest connection was or is being served; `None` before the first.
    #[must_use]
    pub fn last_served(&self) -> Option<Vec<u8>> {
        lock(&self.shared.served).last.clone()
    }

    /// The number of connections that were or are being served.
    #[must_use]
    pub fn served(&self) -> u64 {
        lock(&self.shared.served).count
    }
}

impl Drop for PromSock {
    fn drop(&mut self) {
        drop(self.wake.take());
        if let Some(thread) = self.thread.take() {
            // An error has already ended the service, and a drop cannot report it.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for PromSock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PromSock")
            .field("path", &self.path)
            .field("served", &self.served())
            .finish_non_exhaustive()
    }
}

fn run(listener: &Listener, wake: &UnixStream, shared: &Arc<Shared>) -> io::Result<()> {
    while listener.wait(true, wake)? != Woken::Stopped {
        if let Some(stream) = accept(listener.socket())? {
            let shared = Arc::clone(shared);
            // Not joined: it ends with its client or at the limit, and holds nothing else.
            thread::Builder::new()
                .name("promsock-response".to_owned())
                .spawn(move || respond(&stream, &shared))?;
        }
    }
    Ok(())
}

fn respond(mut stream: &UnixStream, shared: &Shared) -> io::Result<()> {
    stream.set_write_timeout(Some(WRITE_LIMIT))?;
    let text = {
        // One lock for both, so that count and text belong together.
        let mut served = lock(&shared.served);
        let text = (shared.source)();
        served.count += 1;
        served.last = Some(text.clone());
        text
    };
    stream.write_all(&text)
}
