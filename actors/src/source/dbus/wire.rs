//! The socket to a bus, held to how a bus greets before zbus reads from it.
//!
//! zbus keeps a greeting for as long as it goes on, looks through all of it at
//! each read, and panics at an empty one: whatever listens where a bus should
//! could stop this thread. A bus that lets a client in says one short line and
//! sends messages from then on (D-Bus specification, "Authentication Protocol").
//! Descriptors are not passed, so none can come.

use super::bus_error::BusError;
use crate::source::connect::{Address, Connector};
use local_exporter_config::Bus;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use zbus::address::transport::{Transport, UnixSocket};
use zbus::connection::Builder;
use zbus::connection::socket::{ReadHalf, Socket, Split, WriteHalf};
use zbus::export::async_trait::async_trait;

/// The longest line that a bus greets with, in bytes; what dbus-daemon lets a
/// client say before it is let in.
const LONGEST_GREETING: usize = 16 * 1024;

/// Connects to a bus; who we are is to be said to it next.
///
/// # Errors
/// That of the address, or of connecting.
pub(super) async fn connect(
    bus: &Bus,
    connector: &Connector,
) -> Result<Builder<'static>, BusError> {
    let address = address(bus)?;
    match of_unix(&address) {
        Some(socket) => {
            let stream = connector.connect(&socket).await?;
            Ok(Builder::socket(Wire(stream)))
        }
        None => Ok(Builder::address(address)),
    }
}

/// The path of the socket of a bus, where it has one.
pub(in crate::source) fn socket_path(bus: &Bus) -> Option<PathBuf> {
    match of_unix(&address(bus).ok()?)? {
        Address::Path(path) => Some(path),
        Address::Abstract(_) => None,
    }
}

fn address(bus: &Bus) -> zbus::Result<zbus::Address> {
    match bus {
        Bus::System => zbus::Address::system(),
        Bus::Session => zbus::Address::session(),
        Bus::Address(address) => zbus::Address::try_from(address.as_str()),
    }
}

/// Where a unix socket is.
fn of_unix(address: &zbus::Address) -> Option<Address> {
    let Transport::Unix(unix) = address.transport() else {
        return None;
    };
    match unix.path() {
        UnixSocket::File(path) => Some(Address::Path(path.clone())),
        UnixSocket::Abstract(name) => Some(Address::Abstract(name.as_bytes().to_vec())),
        _ => None,
    }
}

#[derive(Debug)]
struct Wire(UnixStream);

impl Socket for Wire {
    type ReadHalf = Incoming;
    type WriteHalf = Outgoing;

    fn split(self) -> Split<Incoming, Outgoing> {
        let (stream, outgoing) = self.0.into_split();
        let greeting = Greeting::default();
        Split::new(Incoming { stream, greeting }, Outgoing(outgoing))
    }
}

#[derive(Debug)]
struct Incoming {
    stream: OwnedReadHalf,
    greeting: Greeting,
}

#[async_trait]
impl ReadHalf for Incoming {
    async fn recvmsg(&mut self, buffer: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
        let length = self.stream.read(buffer).await?;
        self.greeting
            .take(buffer.get(..length).unwrap_or_default())?;
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

/// What has come before the messages.
#[derive(Debug, Default, PartialEq, Eq)]
enum Greeting {
    /// Nothing yet.
    #[default]
    Awaited,
    /// So many bytes, without the end of their line.
    Begun(usize),
    /// All of it.
    Over,
}

impl Greeting {
    /// Takes note of what came.
    ///
    /// # Errors
    /// When no bus greets like that.
    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        let before = match self {
            Self::Awaited => 0,
            Self::Begun(before) => *before,
            Self::Over => return Ok(()),
        };
        let length = match bytes.iter().position(|byte| *byte == b'\n') {
            Some(end) => {
                *self = Self::Over;
                before + end
            }
            None => {
                *self = Self::Begun(before + bytes.len());
                before + bytes.len()
            }
        };
        let ended_empty = *self == Self::Over && length == 0;
        if ended_empty || length > LONGEST_GREETING {
            let wrong = "it does not greet as a bus does";
            return Err(io::Error::new(io::ErrorKind::InvalidData, wrong));
        }
        Ok(())
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
    fn one_short_line_and_then_anything() {
        let endless = vec![b'x'; LONGEST_GREETING];
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

    #[test]
    fn paths_and_abstract_names_are_connected_to() {
        let socket = |text: &str| {
            zbus::Address::try_from(text)
                .ok()
                .and_then(|it| of_unix(&it))
        };
        let path = Address::Path("/run/bus".into());
        assert_eq!(socket("unix:path=/run/bus"), Some(path));
        let name = Address::Abstract(b"bus".to_vec());
        assert_eq!(socket("unix:abstract=bus"), Some(name));
        assert_eq!(socket("unix:dir=/run"), None);
        assert_eq!(socket("tcp:host=localhost,port=1"), None);
    }
}
