//! The connection to a bus: authenticated, and with a limit on the size of messages.
//!
//! File descriptors are not passed, so none are received.

use super::address::addresses;
use super::authentication::authenticate;
use super::bus_error::BusError;
use super::frames::Frames;
use crate::source::connect::{Address, Connector};
use local_exporter_config::{BusAddress, DbusSource};
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use zbus::Connection;
use zbus::connection::Builder;
use zbus::connection::socket::{ReadHalf, Socket, Split, WriteHalf};
use zbus::export::async_trait::async_trait;

/// Room for the header of a message, and for the encoding of its body.
const LARGEST_HEADER: usize = 64 * 1024;

/// The name, the path and the interface of a bus itself (D-Bus specification, "Message Bus Messages").
const BUS_NAME: &str = "org.freedesktop.DBus";
const BUS_PATH: &str = "/org/freedesktop/DBus";

/// Connects to the first address of a bus that works. A message with a body of more than `max_bytes`
/// breaks the connection.
///
/// # Errors
/// If no address works, or one is invalid.
pub(super) async fn connect(
    spec: &DbusSource,
    connector: &Connector,
    max_bytes: usize,
) -> Result<Connection, BusError> {
    let largest = max_bytes.saturating_add(LARGEST_HEADER);
    let mut failures = Vec::new();
    for address in addresses(&spec.bus) {
        let socket = match &address {
            BusAddress::Path(path) => Ok(Address::Path(path.clone())),
            BusAddress::Abstract(name) => Ok(Address::Abstract(name.clone())),
            BusAddress::Other(text) => Err(text.as_str()),
        };
        let connected = match socket {
            Ok(socket) => connect_to(&socket, spec.auth_uid, connector, largest).await,
            Err(text) => connect_by_zbus(text, spec.auth_uid).await,
        };
        match connected {
            Ok(connection) => return Ok(connection),
            Err(error) => failures.push((address, error)),
        }
    }
    Err(BusError::of_list(failures))
}

/// Connects to one socket. A message of more than `largest` bytes breaks the connection.
async fn connect_to(
    socket: &Address,
    auth_uid: Option<u32>,
    connector: &Connector,
    largest: usize,
) -> Result<Connection, BusError> {
    let mut stream = connector.connect(socket).await?;
    let guid = authenticate(&mut stream, auth_uid).await?;
    let wire = Wire { stream, largest };
    let connection = Builder::authenticated_socket(wire, guid).build().await?;
    // zbus does so only if it authenticates itself.
    let hello = connection.call_method(Some(BUS_NAME), BUS_PATH, Some(BUS_NAME), "Hello", &());
    hello.await?;
    Ok(connection)
}

/// Connects to an address of another transport.
async fn connect_by_zbus(address: &str, auth_uid: Option<u32>) -> Result<Connection, BusError> {
    let builder = Builder::address(address);
    let builder = match auth_uid {
        Some(uid) => builder.user_id(uid),
        None => builder,
    };
    Ok(builder.build().await?)
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
            frames: Frames::new(self.largest),
        };
        Split::new(incoming, Outgoing(outgoing))
    }
}

#[derive(Debug)]
struct Incoming {
    stream: OwnedReadHalf,
    frames: Frames,
}

#[async_trait]
impl ReadHalf for Incoming {
    async fn recvmsg(&mut self, buffer: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
        let length = self.stream.read(buffer).await?;
        let received = buffer.get(..length).unwrap_or_default();
        let followed = self.frames.take(received);
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
