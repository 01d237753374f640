//! Kind `uds`: connect to a unix socket, read to the end, close.
//!
//! The path is resolved anew at every pull, so a daemon may replace its socket
//! at any time. Nothing is kept between pulls, and nothing is sent.

use super::{Source, dead_directory};
use crate::gate::Gate;
use crate::scrape::{Answer, Reason, ScrapeError};
use bytes::{Bytes, BytesMut};
use futures_util::future::LocalBoxFuture;
use rustix::io::Errno;
use std::cell::Cell;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;

/// How long to wait before knocking again at a socket whose queue is full.
const KNOCK_AGAIN: Duration = Duration::from_millis(10);
/// What is read at once, in bytes.
const CHUNK: usize = 16 * 1024;

/// A socket.
#[derive(Debug)]
pub(super) struct Uds {
    path: PathBuf,
    max_bytes: usize,
    gate: Gate,
    progress: Cell<Progress>,
}

/// How far the latest pull came.
#[derive(Clone, Copy, Debug)]
enum Progress {
    /// It knocks at a socket whose queue is full.
    Queued,
    /// It is connected, and this many bytes have come.
    Connected(usize),
}

impl Uds {
    pub(super) fn new(path: &Path, max_bytes: usize, gate: Gate) -> Self {
        Self {
            path: path.to_owned(),
            max_bytes,
            gate,
            progress: Cell::new(Progress::Queued),
        }
    }

    async fn read(&self) -> Answer {
        let mut stream = self.connect().await?;
        let body = self.read_to_end(&mut stream).await?;
        drop(stream);
        self.gate.admit(body, &self.path.to_string_lossy()).await
    }

    /// Connects; a full queue of the listener means waiting, as it does for a
    /// blocking connect, unix(7): a non-blocking one gets `EAGAIN`.
    async fn connect(&self) -> Result<UnixStream, ScrapeError> {
        self.progress.set(Progress::Queued);
        loop {
            match UnixStream::connect(&self.path).await {
                Ok(stream) => return Ok(stream),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    tokio::time::sleep(KNOCK_AGAIN).await;
                }
                Err(error) => return Err(self.cannot_connect(&error)),
            }
        }
    }

    async fn read_to_end(&self, stream: &mut UnixStream) -> Result<Bytes, ScrapeError> {
        let mut body = BytesMut::new();
        loop {
            self.progress.set(Progress::Connected(body.len()));
            body.reserve(CHUNK);
            match stream.read_buf(&mut body).await {
                Ok(0) => return Ok(body.freeze()),
                Ok(_) if body.len() > self.max_bytes => {
                    let path = self.path.display();
                    return Err(ScrapeError::too_large(&path, self.max_bytes));
                }
                Ok(_) => {}
                Err(error) => {
                    let (path, got) = (self.path.display(), body.len());
                    let message = format!("reading {path} broke after {got} bytes: {error}");
                    return Err(ScrapeError::new(Reason::of_io(&error), message));
                }
            }
        }
    }

    /// Why connecting failed, told so that one knows what to change.
    fn cannot_connect(&self, error: &io::Error) -> ScrapeError {
        let path = self.path.display();
        let reason = Reason::of_io(error);
        let unsuitable = |what: &str| {
            let message = format!("{path} is {what}");
            ScrapeError::new(Reason::Unsuitable, message)
        };
        if Errno::from_io_error(error) == Some(Errno::PROTOTYPE) {
            return unsuitable("a socket of another type, expected a stream socket");
        }
        // The kernel says "refused" of a path that is no socket at all.
        if reason == Reason::Refused
            && let Ok(metadata) = std::fs::metadata(&self.path)
            && !metadata.file_type().is_socket()
        {
            return unsuitable("no socket");
        }
        let dead = dead_directory::hint(&self.path);
        let hint = match reason {
            Reason::Absent if dead.is_empty() => {
                "; the daemon does not run, or has its socket elsewhere"
            }
            Reason::Refused => "; nobody listens there, the daemon may have left its socket behind",
            Reason::Denied => "; connecting needs write permission on the socket",
            _ => "",
        };
        ScrapeError::new(
            reason,
            format!("cannot connect to {path}: {error}{hint}{dead}"),
        )
    }
}

impl Source for Uds {
    fn pull(self: Rc<Self>) -> LocalBoxFuture<'static, Answer> {
        Box::pin(async move { self.read().await })
    }

    fn awaits(&self) -> String {
        match self.progress.get() {
            Progress::Queued => "; its queue of connections is full: it accepts none".into(),
            Progress::Connected(0) => {
                "; it wrote nothing (nothing is sent to it that it could wait for)".into()
            }
            Progress::Connected(bytes) => {
                format!("; it wrote {bytes} bytes and did not close the connection")
            }
        }
    }
}
