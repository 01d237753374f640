//! One request and its response on its own connection, byte by byte.

use flate2::read::GzDecoder;
use socket2::{Domain, Socket, Type};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::park_timeout;
use std::time::Duration;

/// How long a client may wait for its next byte.
const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// The receive buffer of a slow reader, and the size of its reads, in bytes.
const PIECE: usize = 16 * 1024;
/// The pause between its reads: a body of 1 MiB takes about two seconds.
const BETWEEN_PIECES: Duration = Duration::from_millis(30);

/// A request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Request {
    /// With HTTP/1.0.
    Http10,
    Plain,
    Compressed,
}

/// A response with its decompressed body.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// Requests a scrape with [`ask_page`].
pub(crate) fn ask(address: &str, selector: &str, request: Request) -> io::Result<TcpStream> {
    ask_page(address, &format!("/bridge?selector={selector}"), request)
}

/// Opens a connection with a small receive buffer and sends the request.
pub(crate) fn ask_page(address: &str, page: &str, request: Request) -> io::Result<TcpStream> {
    let address: SocketAddr = address.parse().map_err(io::Error::other)?;
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_recv_buffer_size(PIECE)?;
    socket.set_read_timeout(Some(READ_TIMEOUT))?;
    socket.connect(&address.into())?;
    let mut stream = TcpStream::from(socket);
    let rest = match request {
        Request::Http10 => "HTTP/1.0\r\n",
        Request::Plain => "HTTP/1.1\r\nHost: soak\r\nConnection: close\r\n",
        Request::Compressed => {
            "HTTP/1.1\r\nHost: soak\r\nConnection: close\r\nAccept-Encoding: gzip\r\n"
        }
    };
    write!(stream, "GET {page} {rest}\r\n")?;
    Ok(stream)
}

/// Reads the whole response, as fast as it comes.
pub(crate) fn read_whole(mut stream: TcpStream) -> io::Result<Response> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    parse(&bytes)
}

/// Reads the whole response in small pieces.
pub(crate) fn read_slowly(stream: &TcpStream) -> io::Result<Response> {
    let mut bytes = Vec::new();
    while stream.take(PIECE as u64).read_to_end(&mut bytes)? == PIECE {
        park_timeout(BETWEEN_PIECES);
    }
    parse(&bytes)
}

/// Parses all bytes of a connection.
fn parse(bytes: &[u8]) -> io::Result<Response> {
    const END_OF_HEAD: &[u8] = b"\r\n\r\n";
    let mut ends = bytes.windows(END_OF_HEAD.len());
    let end = ends.position(|window| window == END_OF_HEAD);
    let end = end.ok_or(io::ErrorKind::UnexpectedEof)?;
    let (head, body) = bytes.split_at(end + END_OF_HEAD.len());
    let head = std::str::from_utf8(head).map_err(io::Error::other)?;
    let head = head.to_ascii_lowercase();
    let status = head.split(' ').nth(1);
    let status = status.and_then(|status| status.parse().ok());
    let mut plain = Vec::new();
    if head.contains("\r\ncontent-encoding: gzip\r\n") {
        GzDecoder::new(body).read_to_end(&mut plain)?;
    } else {
        plain.extend_from_slice(body);
    }
    Ok(Response {
        status: status.ok_or(io::ErrorKind::InvalidData)?,
        body: plain,
    })
}
