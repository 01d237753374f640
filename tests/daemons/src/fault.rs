//! The correct and incorrect ways in which a socket daemon can respond on one connection.
//!
//! Guarantees: every wait ends as soon as the client disconnects or the daemon stops, because waits
//! are polls on the connection, never sleeps. The scripted daemon accepts, counts and rebinds; this
//! module never uses the listening socket.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// What a [`ScriptedDaemon`](crate::scripted::ScriptedDaemon) does with its connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Behaviour {
    /// Writes the bytes and closes, like a healthy daemon.
    Serve(Vec<u8>),
    /// Listens and never accepts. Connecting works, reading waits forever.
    HangBeforeAccept,
    /// Never accepts, with a full backlog: a blocking connect waits forever, a non-blocking one
    /// fails with `EAGAIN`.
    FullBacklog,
    /// Accepts, writes nothing and holds the connection.
    HangAfterAccept,
    /// Writes `bytes` in pieces of `chunk` bytes (at least 1) with a pause after each, then closes.
    Trickle {
        /// The whole text.
        bytes: Vec<u8>,
        /// The size of a piece in bytes.
        chunk: usize,
        /// The pause after each piece.
        pause: Duration,
    },
    /// Writes the first half of the bytes and holds the connection.
    StopHalfway(Vec<u8>),
    /// Writes the first half of the bytes and closes.
    HalfThenClose(Vec<u8>),
    /// Makes the client's first read fail with `ECONNRESET`. Linux resets an `AF_UNIX` stream only
    /// if data from the client is unread, and the exporter sends none, or if the listening socket
    /// is closed while the connection waits in its backlog (`unix_release_sock`). The daemon does
    /// the latter, after it has put a new listening socket in place.
    Reset,
    /// Writes valid lines until this many bytes are out (rounded up to a line), then closes.
    TooMuch(u64),
    /// Writes bytes without a newline for as long as the client reads them.
    EndlessLine,
    /// Writes bytes that are neither an exposition nor UTF-8, then closes.
    Garbage,
    /// Closes at once.
    Nothing,
    /// Writes the bytes after a delay and closes.
    RespondLate {
        /// The delay before the first byte.
        delay: Duration,
        /// The whole text.
        bytes: Vec<u8>,
    },
    /// Like `Serve`, but puts a new socket inode at its path before each response.
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
            Self::RespondLate { delay, bytes } => {
                wait_for_hang_up(stream, Some(*delay))?;
                stream.write_all(bytes)
            }
            // The last three never reach this function with a connection.
            Self::Nothing | Self::Reset | Self::HangBeforeAccept | Self::FullBacklog => Ok(()),
        }
    }
}

/// What [`Behaviour::Garbage`] writes: no line is a sample, and it is not UTF-8.
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

/// Waits until `limit` has passed. If the client disconnects or the daemon stops before that,
/// returns an error of kind `ConnectionAborted`. A client that only shuts down its sending side has
/// not disconnected.
fn wait_for_hang_up(stream: &UnixStream, limit: Option<Duration>) -> io::Result<()> {
    let end = limit.map(|limit| Instant::now() + limit);
    loop {
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        // A time that the system cannot represent means no limit.
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        // No events are requested: only a hang-up or an error ends the wait.
        let mut watched = [PollFd::new(stream, PollFlags::empty())];
        match poll(&mut watched, left.as_ref()) {
            Ok(0) => return Ok(()),
            Ok(_) => return Err(io::ErrorKind::ConnectionAborted.into()),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
