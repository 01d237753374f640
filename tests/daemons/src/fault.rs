//! The ways a socket daemon can answer, right and wrong, on one connection.
//!
//! Promises that every wait in here ends as soon as the client hangs up or the daemon is stopped:
//! waits are polls on the connection itself, never sleeps. Accepting, counting and rebinding are
//! the scripted daemon's; this file never sees the listening socket.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// What a [`ScriptedDaemon`](crate::scripted::ScriptedDaemon) does with its connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Behaviour {
    /// Writes the bytes and closes: a healthy daemon.
    Serve(Vec<u8>),
    /// Listens and never accepts. Connecting works, reading waits for ever.
    HangBeforeAccept,
    /// Never accepts and its backlog is full: a blocking connect waits for ever, a non-blocking
    /// one fails with `EAGAIN`.
    FullBacklog,
    /// Accepts, writes nothing and holds the connection.
    HangAfterAccept,
    /// Writes `bytes` in pieces of `chunk` bytes (at least 1) with a pause after each, then closes.
    Trickle {
        /// The whole text.
        bytes: Vec<u8>,
        /// Bytes per piece.
        chunk: usize,
        /// How long it waits after each piece.
        pause: Duration,
    },
    /// Writes the first half of the bytes and holds the connection.
    StopHalfway(Vec<u8>),
    /// Writes the first half of the bytes and closes.
    HalfThenClose(Vec<u8>),
    /// Makes the client's first read fail with `ECONNRESET`. Linux resets an `AF_UNIX` stream only
    /// if data of the client is unread, and our client sends none, or if the listening socket is
    /// closed while the connection waits in its backlog (`unix_release_sock`): so that is done,
    /// with a new listening socket put in its place first.
    Reset,
    /// Writes valid lines until this many bytes are out (rounded up to a line), then closes.
    TooMuch(u64),
    /// Writes bytes without any end of a line for as long as the client reads them.
    EndlessLine,
    /// Writes bytes that are neither an exposition nor UTF-8, then closes.
    Garbage,
    /// Closes at once.
    Nothing,
    /// Writes the bytes and closes, but only after a delay.
    AnswerLate {
        /// How long it waits before the first byte.
        delay: Duration,
        /// The whole text.
        bytes: Vec<u8>,
    },
    /// Like `Serve`, but before it answers it puts a new socket inode at its path.
    NewInode(Vec<u8>),
}

impl Behaviour {
    /// Whether connections are taken from the backlog at all.
    pub(crate) fn accepts(&self) -> bool {
        !matches!(self, Self::HangBeforeAccept | Self::FullBacklog)
    }

    /// Plays the behaviour on one accepted connection; the caller closes it afterwards.
    pub(crate) fn play(&self, mut stream: &UnixStream) -> io::Result<()> {
        match self {
            Self::Serve(bytes) | Self::NewInode(bytes) => stream.write_all(bytes),
            Self::HangAfterAccept => hold(stream),
            Self::Trickle {
                bytes,
                chunk,
                pause,
            } => trickle(stream, bytes, *chunk, *pause),
            Self::StopHalfway(bytes) => {
                stream.write_all(first_half(bytes))?;
                hold(stream)
            }
            Self::HalfThenClose(bytes) => stream.write_all(first_half(bytes)),
            Self::TooMuch(total) => too_much(stream, *total),
            Self::EndlessLine => loop {
                stream.write_all(&[b'x'; 16 * 1024])?;
            },
            Self::Garbage => stream.write_all(GARBAGE),
            Self::AnswerLate { delay, bytes } => {
                wait_for_hang_up(stream, Some(*delay))?;
                stream.write_all(bytes)
            }
            // The last three never get a connection here.
            Self::Nothing | Self::Reset | Self::HangBeforeAccept | Self::FullBacklog => Ok(()),
        }
    }
}

/// What [`Behaviour::Garbage`] writes: no line of it is a sample, and it is not UTF-8.
pub const GARBAGE: &[u8] = b"\x00\xff\xfe{{{ no metric\n\n= = =\n\xc3\x28 1 2 3 4\n";

/// One line of [`Behaviour::TooMuch`]: a valid sample with its number in a label.
fn filler(number: u64) -> String {
    format!("too_much_total{{line=\"{number}\"}} {number}\n")
}

fn first_half(bytes: &[u8]) -> &[u8] {
    bytes.split_at(bytes.len() / 2).0
}

fn trickle(mut stream: &UnixStream, bytes: &[u8], chunk: usize, pause: Duration) -> io::Result<()> {
    for piece in bytes.chunks(chunk.max(1)) {
        stream.write_all(piece)?;
        wait_for_hang_up(stream, Some(pause))?;
    }
    Ok(())
}

fn too_much(stream: &UnixStream, total: u64) -> io::Result<()> {
    let mut output = io::BufWriter::with_capacity(64 * 1024, stream);
    let mut written = 0;
    for number in 0.. {
        if written >= total {
            break;
        }
        let line = filler(number);
        output.write_all(line.as_bytes())?;
        written += line.len() as u64;
    }
    output.flush()
}

fn hold(stream: &UnixStream) -> io::Result<()> {
    wait_for_hang_up(stream, None)
}

/// Waits until `limit` has passed; a client that hangs up (or our own shutdown) before that is an
/// error of kind `ConnectionAborted`. A client that only ends its own sending has not hung up.
fn wait_for_hang_up(stream: &UnixStream, limit: Option<Duration>) -> io::Result<()> {
    let end = limit.map(|limit| Instant::now() + limit);
    loop {
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        // A time beyond what the system can express is as good as no limit.
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        // No events asked for: only hanging up and errors end the wait.
        let mut watched = [PollFd::new(stream, PollFlags::empty())];
        match poll(&mut watched, left.as_ref()) {
            Ok(0) => return Ok(()),
            Ok(_) => return Err(io::ErrorKind::ConnectionAborted.into()),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
