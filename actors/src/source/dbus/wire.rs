//! The socket to a bus, with a check of the greeting before zbus reads it.
//!
//! zbus buffers a greeting of any length, searches all of it after each read, and
//! panics if it is empty, so a process that listens in place of a bus could stop
//! the actor thread. A bus that accepts a client sends one short line, and
//! messages after it (D-Bus specification, "Authentication Protocol"). Messages that are
//! larger than the caller accepts are refused too. File descriptors are not passed, so none
//! are received.

use super::address::addresses;
use super::bus_error::BusError;
use super::frames::Frames;
use crate::source::connect::{Address, Connector};
use local_exporter_config::{Bus, BusAddress};
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use zbus::connection::Builder;
use zbus::connection::socket::{ReadHalf, Socket, Split, WriteHalf};
use zbus::export::async_trait::async_trait;

/// The longest greeting of a bus, in bytes: the limit of dbus-daemon for what an unauthenticated
/// client sends.
const MAX_GREETING: usize = 16 * 1024;
/// Room for the header of a message, and for the encoding of its body.
const LARGEST_HEADER: usize = 64 * 1024;

/// Connects to the first address of a bus where a process listens. Authentication follows when the
/// connection is built. A message with a body of more than `max_bytes` breaks the connection.
///
/// # Errors
/// If connecting to each address failed, or one is invalid.
pub(super) async fn connect(
    bus: &Bus,
    connector: &Connector,
    max_bytes: usize,
) -> Result<Builder<'static>, BusError> {
    let largest = max_bytes.saturating_add(LARGEST_HEADER);
    let mut failures = Vec::new();
    for address in addresses(bus) {
        match connect_to(&address, connector, largest).await {
            Ok(builder) => return Ok(builder),
            Err(error) => failures.push((address, error)),
        }
    }
    Err(BusError::of_list(failures))
}

/// Connects to one address. A message of more than `largest` bytes breaks the connection.
async fn connect_to(
    address: &BusAddress,
    connector: &Connector,
    largest: usize,
) -> Result<Builder<'static>, BusError> {
    let socket = match address {
        BusAddress::Path(path) => Address::Path(path.clone()),
        BusAddress::Abstract(name) => Address::Abstract(name.clone()),
        BusAddress::Other(text) => {
            return Ok(Builder::address(zbus::Address::try_from(text.as_str())?));
        }
    };
    let stream = connector.connect(&socket).await?;
    Ok(Builder::socket(Wire { stream, largest }))
}

#[derive(Debug)]
struct Wire {
    stream: UnixStream,
    /// The largest message that is accepted, in bytes.
    largest: usize,
}

impl Socket for Wire {
    type ReadHalf = Incoming;
    type WriteHalf = Outgoing;

    fn split(self) -> Split<Incoming, Outgoing> {
        let (stream, outgoing) = self.stream.into_split();
        let incoming = Incoming {
            stream,
            greeting: Greeting::default(),
            frames: Frames::new(self.largest),
        };
        Split::new(incoming, Outgoing(outgoing))
    }
}

#[derive(Debug)]
struct Incoming {
    stream: OwnedReadHalf,
    greeting: Greeting,
    frames: Frames,
}

#[async_trait]
impl ReadHalf for Incoming {
    async fn recvmsg(&mut self, buffer: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
        let length = self.stream.read(buffer).await?;
        let received = buffer.get(..length).unwrap_or_default();
        let messages = self.greeting.take(received)?;
        let followed = self.frames.take(messages);
        followed.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        Ok((length, Vec::new()))
    }
}

#[derive(Debug)]
struct Outgoing(OwnedWriteHalf);

#[async_trait]
impl WriteHalf for Outgoing {
    async fn sendmsg(&mut self, buffer: &[u8], _: &[BorrowedFd<'_>]) -> io::Result<usize> {
        self.0.write(buffer).await
    }

    async fn close(&mut self) -> io::Result<()> {
        self.0.shutdown().await
    }
}

/// The part of the greeting that was received.
#[derive(Debug, Default, PartialEq, Eq)]
enum Greeting {
    /// Nothing.
    #[default]
    Awaited,
    /// This many bytes, without a newline.
    Begun(usize),
    /// All of it: messages follow.
    Over,
}

impl Greeting {
    /// Checks received bytes, and returns those that follow the greeting.
    ///
    /// # Errors
    /// If the greeting is empty or too long.
    fn take<'b>(&mut self, bytes: &'b [u8]) -> io::Result<&'b [u8]> {
        let before = match self {
            Self::Awaited => 0,
            Self::Begun(before) => *before,
            Self::Over => return Ok(bytes),
        };
        let (length, messages) = match bytes.iter().position(|byte| *byte == b'\n') {
            Some(end) => {
                *self = Self::Over;
                (before + end, bytes.get(end + 1..).unwrap_or_default())
            }
            None => {
                *self = Self::Begun(before + bytes.len());
                (before + bytes.len(), &[][..])
            }
        };
        let is_empty = *self == Self::Over && length == 0;
        if is_empty || length > MAX_GREETING {
            let message = "its greeting is not that of a bus";
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        Ok(messages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(pieces: &[&[u8]]) -> bool {
        let mut greeting = Greeting::default();
        pieces.iter().all(|piece| greeting.take(piece).is_ok())
    }

    #[test]
    fn a_greeting_is_one_short_line_and_anything_may_follow() {
        let endless = vec![b'x'; MAX_GREETING];
        let cases: [(&[&[u8]], bool); 7] = [
            (&[b"OK 00\r\n", b"\n", &endless, &endless], true),
            (&[b"O", b"K 00\r", b"\n\n", &endless, &endless], true),
            (&[b"", b"OK 00\r\nl\n"], true),
            (&[&endless, b"\n"], true),
            (&[b"\n"], false),
            (&[b"", b"\n"], false),
            (&[&endless, b"x"], false),
        ];
        for (pieces, expected) in cases {
            assert_eq!(takes(pieces), expected, "{:?}", pieces.first());
        }
    }
}
