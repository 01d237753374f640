//! Authenticates a new connection at a bus: mechanism EXTERNAL, without passing file descriptors.
//!
//! The client sends no identity at first, so that the bus uses the user that the kernel reports to it
//! (D-Bus specification, "Auth Mechanisms": EXTERNAL). dbus-daemon and dbus-broker support this. It is
//! right in any user namespace, where the uid inside differs from the one that the bus sees. If a bus
//! rejects it, the client tries again with a uid.
//!
//! zbus always sends a uid. It also buffers a response of any length, and panics on an empty one, so a
//! process that listens in place of a bus could stop the actor thread.

use super::user;
use std::fmt;
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use zbus::Guid;

/// The longest line of a bus, in bytes: the limit of dbus-daemon for what an unauthenticated client
/// sends.
const MAX_LINE: usize = 16 * 1024;

/// A failed authentication.
#[derive(Debug)]
pub(super) enum AuthenticationError {
    /// The bus does not accept the user.
    Rejected,
    /// The bus closed the connection.
    Closed,
    /// The response is not one of a bus.
    Unexpected,
    /// Reading or writing failed.
    Io(io::Error),
}

/// Authenticates with the configured uid, or without one, and begins the stream of messages. Returns
/// the id of the bus.
///
/// # Errors
/// If the bus rejects the user, or the other side is not a bus.
pub(super) async fn authenticate<S>(
    stream: &mut S,
    configured: Option<u32>,
) -> Result<Guid<'static>, AuthenticationError>
where
    S: AsyncReadExt + AsyncWriteExt + Unpin,
{
    // The byte in front carries the credentials where a kernel does not report them by itself.
    stream.write_all(b"\0").await?;
    let guid = match configured {
        Some(uid) => with_uid(stream, uid).await?,
        None => match without_identity(stream).await {
            Err(AuthenticationError::Rejected) => with_uid(stream, user::uid_of_host()).await?,
            other => other?,
        },
    };
    stream.write_all(b"BEGIN\r\n").await?;
    Ok(guid)
}

async fn without_identity<S>(stream: &mut S) -> Result<Guid<'static>, AuthenticationError>
where
    S: AsyncReadExt + AsyncWriteExt + Unpin,
{
    stream.write_all(b"AUTH EXTERNAL\r\n").await?;
    match response(stream).await? {
        Response::Data => {
            stream.write_all(b"DATA\r\n").await?;
            guid(response(stream).await?)
        }
        other => guid(other),
    }
}

async fn with_uid<S>(stream: &mut S, uid: u32) -> Result<Guid<'static>, AuthenticationError>
where
    S: AsyncReadExt + AsyncWriteExt + Unpin,
{
    // The uid in decimal digits, each byte of which is sent as two hexadecimal digits.
    let digits: String = uid
        .to_string()
        .bytes()
        .map(|it| format!("{it:02x}"))
        .collect();
    let command = format!("AUTH EXTERNAL {digits}\r\n");
    stream.write_all(command.as_bytes()).await?;
    guid(response(stream).await?)
}

/// A response to `AUTH` or `DATA`.
#[derive(Debug, PartialEq, Eq)]
enum Response {
    Ok(Guid<'static>),
    Data,
    Rejected,
}

fn guid(response: Response) -> Result<Guid<'static>, AuthenticationError> {
    match response {
        Response::Ok(guid) => Ok(guid),
        Response::Rejected => Err(AuthenticationError::Rejected),
        Response::Data => Err(AuthenticationError::Unexpected),
    }
}

/// Reads one line, byte by byte, so that nothing behind it is taken from the stream.
async fn response<S>(stream: &mut S) -> Result<Response, AuthenticationError>
where
    S: AsyncReadExt + Unpin,
{
    let mut line = Vec::new();
    loop {
        let mut byte = [0];
        if stream.read(&mut byte).await? == 0 {
            return Err(AuthenticationError::Closed);
        }
        line.extend_from_slice(&byte);
        if line.ends_with(b"\r\n") {
            return parse(&line).ok_or(AuthenticationError::Unexpected);
        }
        if line.len() > MAX_LINE || byte == *b"\n" {
            return Err(AuthenticationError::Unexpected);
        }
    }
}

fn parse(line: &[u8]) -> Option<Response> {
    let mut words = str::from_utf8(line).ok()?.split_ascii_whitespace();
    match words.next()? {
        "OK" => Some(Response::Ok(Guid::try_from(words.next()?.to_owned()).ok()?)),
        "DATA" => Some(Response::Data),
        // The bus does not know the mechanism, or reports the state in which it is.
        "REJECTED" | "ERROR" => Some(Response::Rejected),
        _ => None,
    }
}

impl fmt::Display for AuthenticationError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected => formatter.write_str("authentication was rejected"),
            Self::Closed => formatter.write_str("the connection was closed"),
            Self::Unexpected => formatter.write_str("unexpected response to AUTH"),
            Self::Io(error) => error.fmt(formatter),
        }
    }
}

impl From<io::Error> for AuthenticationError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Io(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line that the bus expects, and its response.
    type Line<'t> = (&'t str, &'t str);

    const GUID: &str = "0123456789abcdef0123456789abcdef";

    /// Authenticates at a bus that expects and sends these lines.
    async fn converse(
        configured: Option<u32>,
        lines: &[Line<'_>],
    ) -> Result<Guid<'static>, AuthenticationError> {
        let (mut client, mut bus) = tokio::io::duplex(1 << 16);
        let lines: Vec<_> = lines
            .iter()
            .map(|(expected, sent)| ((*expected).to_owned(), (*sent).to_owned()))
            .collect();
        let bus = async move {
            for (expected, sent) in lines {
                let mut received = vec![0; expected.len()];
                bus.read_exact(&mut received).await.unwrap();
                assert_eq!(String::from_utf8(received).unwrap(), expected);
                bus.write_all(sent.as_bytes()).await.unwrap();
            }
            drop(bus);
        };
        tokio::join!(authenticate(&mut client, configured), bus).0
    }

    fn uid_in_hexadecimal() -> String {
        let uid = user::uid_of_host().to_string();
        uid.bytes().map(|byte| format!("{byte:02x}")).collect()
    }

    #[tokio::test]
    async fn the_identity_is_sent_only_if_it_is_configured_or_needed() {
        let ok = format!("OK {GUID}\r\n");
        let with_uid = format!("AUTH EXTERNAL {}\r\n", uid_in_hexadecimal());
        let cases: [(Option<u32>, &[Line<'_>]); 4] = [
            (
                None,
                &[
                    ("\0AUTH EXTERNAL\r\n", "DATA\r\n"),
                    ("DATA\r\n", &ok),
                    ("BEGIN\r\n", ""),
                ],
            ),
            (None, &[("\0AUTH EXTERNAL\r\n", &ok), ("BEGIN\r\n", "")]),
            (
                None,
                &[
                    ("\0AUTH EXTERNAL\r\n", "REJECTED EXTERNAL\r\n"),
                    (&with_uid, &ok),
                    ("BEGIN\r\n", ""),
                ],
            ),
            (
                Some(1000),
                &[("\0AUTH EXTERNAL 31303030\r\n", &ok), ("BEGIN\r\n", "")],
            ),
        ];
        for (configured, lines) in cases {
            let guid = converse(configured, lines).await.unwrap();
            assert_eq!(guid.as_str(), GUID);
        }
    }

    #[tokio::test]
    async fn other_responses_are_errors() {
        let endless = "x".repeat(MAX_LINE + 2);
        let cases = [
            ("", "Closed"),
            ("OK", "Closed"),
            ("\n", "Unexpected"),
            ("\r\n", "Unexpected"),
            ("OK\r\n", "Unexpected"),
            ("OK 00\r\n", "Unexpected"),
            ("HTTP/1.1 400 Bad Request\r\n", "Unexpected"),
            (&endless, "Unexpected"),
            ("REJECTED EXTERNAL\r\n", "Rejected"),
        ];
        for (sent, expected) in cases {
            let lines = [("\0AUTH EXTERNAL 37\r\n", sent)];
            let error = converse(Some(7), &lines).await.unwrap_err();
            assert_eq!(format!("{error:?}"), expected, "{sent:?}");
        }
    }
}
