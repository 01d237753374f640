//! What came back from a call: a body, an error of the daemon, or a broken bus.
//!
//! Turns D-Bus' settings into ours; it may not hold a connection. What reads a
//! message is public so that it can be fuzzed.

use crate::reason::Reason;
use crate::scrape::ScrapeError;
use bytes::Bytes;
use local_exporter_config::DbusSource;
use zbus::message::{Body, Message};
use zbus::zvariant::DynamicDeserialize;

/// Whether the connection survived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LinkState {
    /// It carried an answer, if not a welcome one.
    Usable,
    /// It is of no more use.
    Broken,
}

/// A call without a body in the end.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) link: LinkState,
    pub(super) error: ScrapeError,
}

impl Failure {
    /// The connection failed under the call.
    pub(super) fn broken(spec: &DbusSource, error: &zbus::Error) -> Self {
        let error = shown(&error.to_string());
        let message = format!("the call to {} broke: {error}", spec.destination);
        Self {
            link: LinkState::Broken,
            error: ScrapeError::new(Reason::Bus, message),
        }
    }

    /// The bus hung up before the reply.
    pub(super) fn closed(spec: &DbusSource) -> Self {
        let message = format!("the bus closed during the call to {}", spec.destination);
        Self {
            link: LinkState::Broken,
            error: ScrapeError::new(Reason::Bus, message),
        }
    }

    /// An error came as the reply, from the daemon or from the bus on its behalf.
    pub(super) fn replied(spec: &DbusSource, reply: &Message) -> Self {
        let header = reply.header();
        let name = header.error_name().map_or("", |name| name.as_str());
        let link = match name {
            // More calls were left unanswered than the bus allows: begin anew.
            "org.freedesktop.DBus.Error.LimitsExceeded" => LinkState::Broken,
            _ => LinkState::Usable,
        };
        Self {
            link,
            error: refusal(reply, &spec.destination),
        }
    }
}

/// What an error reply of `destination` means.
#[must_use]
pub fn refusal(reply: &Message, destination: &str) -> ScrapeError {
    let header = reply.header();
    let name = header.error_name().map_or("", |name| name.as_str());
    let body = reply.body();
    let text = shown(body.deserialize::<&str>().unwrap_or("no message"));
    let (reason, hint) = classify(name);
    ScrapeError::new(reason, format!("{destination}: {name}: {text}{hint}"))
}

/// The reason and a hint for a standard error name (D-Bus specification and `dbus-protocol.h`).
fn classify(name: &str) -> (Reason, &'static str) {
    let Some(standard) = name.strip_prefix("org.freedesktop.DBus.Error.") else {
        return (Reason::Refused, "");
    };
    match standard {
        "ServiceUnknown" | "NameHasNoOwner" => (
            Reason::Absent,
            "; nobody owns that name on the bus (auto_start = true would have the bus start it)",
        ),
        "AccessDenied" | "AuthFailed" => (
            Reason::Denied,
            "; the bus policy must allow this user to call the method",
        ),
        // The bus says so when the daemon went away during the call; of a silent
        // one our own deadline tells first.
        "NoReply" => (Reason::Reset, ""),
        "Timeout" | "TimedOut" => (Reason::Timeout, ""),
        "LimitsExceeded" | "Disconnected" | "NoServer" | "NoNetwork" => (Reason::Bus, ""),
        _ => (Reason::Refused, ""),
    }
}

/// A slice of a message's body, kept alive by it: the bytes are not copied.
struct Payload {
    body: Body,
    start: usize,
}

impl AsRef<[u8]> for Payload {
    fn as_ref(&self) -> &[u8] {
        self.body.data().bytes().get(self.start..).unwrap_or(&[])
    }
}

/// The exposition in a reply: `ay`, `s`, or the `a(y)` that the ancestor's
/// daemon announces.
///
/// # Errors
/// `malformed` for another signature, which it names; `too_large` past the cap.
pub fn payload(reply: &Message, max_bytes: usize) -> Result<Bytes, ScrapeError> {
    let body = reply.body();
    let signature = body.signature().to_string();
    let malformed = |error: zbus::Error| {
        let (signature, error) = (shown(&signature), shown(&error.to_string()));
        let message = format!("the reply of signature {signature:?} cannot be read: {error}");
        ScrapeError::new(Reason::Malformed, message)
    };
    let bytes = match signature.as_str() {
        "ay" => {
            let length = whole::<&[u8]>(&body).map_err(malformed)?.len();
            // The bytes are the last thing in the body.
            let start = body.len().saturating_sub(length);
            Bytes::from_owner(Payload { body, start })
        }
        "s" => {
            let text = whole::<&str>(&body).map_err(malformed)?;
            Bytes::copy_from_slice(text.as_bytes())
        }
        "a(y)" => {
            let structs = whole::<Vec<(u8,)>>(&body).map_err(malformed)?;
            structs.into_iter().map(|(byte,)| byte).collect()
        }
        other => {
            let other = shown(other);
            let message = format!("the reply has signature {other:?}, expected \"ay\"");
            return Err(ScrapeError::new(Reason::Malformed, message));
        }
    };
    if bytes.len() > max_bytes {
        return Err(ScrapeError::too_large(&"the reply", max_bytes));
    }
    Ok(bytes)
}

/// The value that is all of a body: what stands behind it would be passed over otherwise.
fn whole<'b, T: DynamicDeserialize<'b>>(body: &'b Body) -> zbus::Result<T> {
    let read = body
        .data()
        .deserialize_for_dynamic_signature(body.signature())?;
    match read {
        (value, end) if end == body.len() => Ok(value),
        _ => Err(zbus::Error::ExcessData),
    }
}

/// Text of a daemon, fit for a sentence of ours: on one line, and no longer than
/// what buses say when they deny a call.
fn shown(text: &str) -> String {
    const LONGEST: usize = 500;
    let mut shown = String::new();
    for (index, letter) in text.chars().enumerate() {
        if index == LONGEST {
            shown.push('…');
            break;
        }
        if letter.is_control() {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
    use super::*;
    use futures_util::FutureExt;
    use zbus::connection::socket::ReadHalf;

    fn reply<B: serde::Serialize + zbus::DynamicType>(body: &B) -> Message {
        let call = Message::method_call("/", "M").build(&()).unwrap();
        Message::method_return(&call.header()).build(body).unwrap()
    }

    #[test]
    fn the_three_signatures_give_the_same_bytes() {
        let text = "a 1\n";
        let structs: Vec<(u8,)> = text.bytes().map(|byte| (byte,)).collect();
        for reply in [reply(&text.as_bytes()), reply(&text), reply(&structs)] {
            assert_eq!(payload(&reply, 4).unwrap(), text);
        }
    }

    #[test]
    fn another_signature_is_named_and_the_cap_holds() {
        let error = payload(&reply(&7_u32), 100).unwrap_err();
        assert_eq!(error.reason, Reason::Malformed);
        assert!(error.message.contains("\"u\""), "{error}");
        let error = payload(&reply(&"12345"), 4).unwrap_err();
        assert_eq!(error.reason, Reason::TooLarge);
        assert_eq!(payload(&reply(&[0_u8; 0].as_slice()), 4).unwrap(), "");
    }

    #[test]
    fn what_a_daemon_says_is_short_and_on_one_line() {
        let call = Message::method_call("/", "M").build(&()).unwrap();
        let refused = |text: &str| {
            let error = Message::error(&call.header(), "a.B").build(&text);
            refusal(&error.unwrap(), "c.D").message
        };
        assert_eq!(
            refused("one\ntwo \"three\""),
            "c.D: a.B: one\\ntwo \"three\""
        );
        let long = refused(&"ü".repeat(501));
        assert_eq!(long, format!("c.D: a.B: {}…", "ü".repeat(500)));
    }

    /// A socket that gives nothing more.
    #[derive(Debug)]
    struct Closed;

    #[zbus::export::async_trait::async_trait]
    impl ReadHalf for Closed {
        async fn recvmsg(
            &mut self,
            _: &mut [u8],
        ) -> std::io::Result<(usize, Vec<std::os::fd::OwnedFd>)> {
            Ok((0, Vec::new()))
        }
    }

    #[test]
    fn bytes_behind_the_value_are_not_passed_over() {
        let mut bytes = reply(&"a 1\n".as_bytes()).data().bytes().to_vec();
        // The array is said to end before the body does.
        let length = bytes.len() - 8;
        bytes[length..length + 4].copy_from_slice(&3_u32.to_ne_bytes());
        let (mut socket, mut descriptors) = (Closed, Vec::new());
        let received = socket.receive_message(0, &mut bytes, &mut descriptors);
        let message = received.now_or_never().unwrap().unwrap();
        let error = payload(&message, 100).unwrap_err();
        assert_eq!(error.reason, Reason::Malformed);
        assert!(error.message.ends_with("excess data"), "{error}");
    }
}
