//! The destination of log lines: standard error, or the socket of the journal.
//!
//! Standard error is written through a descriptor of its own: a thread that blocks in a write must not
//! hold the lock of the standard library's.

use super::writer::{LineFormat, lost_lines};
use prometheus::IntCounter;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The socket of the journal (systemd's "Native Journal Protocol").
const JOURNAL: &str = "/run/systemd/journal/socket";
/// How long a line waits for the reader before there is a thread for it, in nanoseconds: 100 ms.
const WAIT: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 100_000_000,
};
/// A pipe that is writable accepts this many bytes at once, pipe(7).
const PIPE_BUF: usize = 4096;

/// A destination; clones share it.
#[derive(Clone, Debug)]
pub(super) struct Sink {
    format: LineFormat,
    to: Arc<Destination>,
    /// The number of dropped lines that have been reported.
    reported: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Destination {
    Stderr(File),
    Journal(UnixDatagram),
}

/// Writes lines, and reports how many were dropped when the queue has drained.
#[derive(Debug)]
pub(super) struct ReportingSink {
    sink: Sink,
    dropped: IntCounter,
}

impl Sink {
    /// Standard error.
    ///
    /// # Errors
    /// If it is closed.
    pub(super) fn stderr(format: LineFormat) -> io::Result<Self> {
        let stderr = io::stderr().as_fd().try_clone_to_owned()?;
        Ok(Self::new(format, Destination::Stderr(stderr.into())))
    }

    /// The journal.
    ///
    /// # Errors
    /// If it does not run.
    pub(super) fn journal() -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.connect(JOURNAL)?;
        Ok(Self::new(LineFormat::Journal, Destination::Journal(socket)))
    }

    fn new(format: LineFormat, to: Destination) -> Self {
        Self {
            format,
            to: Arc::new(to),
            reported: Arc::default(),
        }
    }

    pub(super) fn format(&self) -> LineFormat {
        self.format
    }

    pub(super) fn reporting(&self, dropped: IntCounter) -> ReportingSink {
        ReportingSink {
            sink: self.clone(),
            dropped,
        }
    }

    /// Whether this many dropped lines have been reported, after which the queue was empty.
    pub(super) fn has_drained(&self, dropped: u64) -> bool {
        self.reported.load(Ordering::Acquire) >= dropped
    }

    /// Writes a line, waiting for the reader.
    fn write_line(&self, line: &[u8]) -> io::Result<()> {
        match &*self.to {
            Destination::Stderr(file) => (&mut &*file).write_all(line),
            Destination::Journal(socket) => match socket.send(line) {
                Ok(_) => Ok(()),
                // The journal has been started again with another socket.
                Err(_) => socket.send_to(line, JOURNAL).map(drop),
            },
        }
    }

    /// Writes a line if the reader reads it soon.
    ///
    /// # Errors
    /// If it does not; a part of the line may have been written.
    pub(super) fn write_soon(&self, line: &[u8]) -> io::Result<()> {
        match &*self.to {
            Destination::Stderr(file) => {
                for part in line.chunks(PIPE_BUF) {
                    wait_until_writable(file)?;
                    (&mut &*file).write_all(part)?;
                }
                Ok(())
            }
            Destination::Journal(socket) => {
                wait_until_writable(socket)?;
                socket.send(line).map(drop)
            }
        }
    }
}

fn wait_until_writable(file: &impl AsFd) -> io::Result<()> {
    let mut files = [PollFd::new(file, PollFlags::OUT)];
    match poll(&mut files, Some(&WAIT))? {
        0 => Err(io::ErrorKind::TimedOut.into()),
        _ => Ok(()),
    }
}

impl Write for ReportingSink {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Err(error) = self.sink.write_line(line) {
            self.dropped.inc();
            return Err(error);
        }
        Ok(line.len())
    }

    /// Called when the queue is empty.
    fn flush(&mut self) -> io::Result<()> {
        let dropped = self.dropped.get();
        let before = self.sink.reported.swap(dropped, Ordering::AcqRel);
        if dropped > before
            && let Some(line) = lost_lines(self.sink.format, dropped - before)
        {
            self.sink.write_line(&line)?;
        }
        Ok(())
    }
}
