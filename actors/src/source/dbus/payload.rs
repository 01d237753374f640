//! The body of a reply.
//!
//! Public, so that it can be fuzzed.

use super::text::printable;
use crate::reason::Reason;
use crate::scrape::ScrapeError;
use bytes::Bytes;
use zbus::message::{Body, Message};
use zbus::zvariant::DynamicDeserialize;

/// The end of a message's body as a buffer that shares its memory.
struct Payload {
    body: Body,
    start: usize,
}

impl AsRef<[u8]> for Payload {
    fn as_ref(&self) -> &[u8] {
        self.body.data().bytes().get(self.start..).unwrap_or(&[])
    }
}

/// The exposition in a reply: `ay`, `s`, or the `a(y)` that the daemon of the predecessor of this
/// program announces.
///
/// # Errors
/// `malformed` if the signature is another or the value cannot be read; `too_large` if it has more
/// than `max_bytes` bytes.
pub fn payload(reply: &Message, max_bytes: usize) -> Result<Bytes, ScrapeError> {
    let body = reply.body();
    let signature = body.signature().to_string();
    let malformed = |error: zbus::Error| {
        let (signature, error) = (printable(&signature), printable(&error.to_string()));
        let message = format!("the reply of signature {signature:?} cannot be read: {error}");
        ScrapeError::new(Reason::Malformed, message)
    };
    let bytes = match signature.as_str() {
        "ay" => {
            let length = whole::<&[u8]>(&body).map_err(malformed)?.len();
            // The bytes are the end of the body.
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
            let other = printable(other);
            let message = format!("the reply has signature {other:?}, expected \"ay\"");
            return Err(ScrapeError::new(Reason::Malformed, message));
        }
    };
    if bytes.len() > max_bytes {
        return Err(ScrapeError::too_large(&"the reply", max_bytes));
    }
    Ok(bytes)
}

/// The only value of a body. Without this check, zvariant would ignore bytes after the value.
fn whole<'b, T: DynamicDeserialize<'b>>(body: &'b Body) -> zbus::Result<T> {
    let read = body
        .data()
        .deserialize_for_dynamic_signature(body.signature())?;
    match read {
        (value, end) if end == body.len() => Ok(value),
        _ => Err(zbus::Error::ExcessData),
    }
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
    fn the_three_signatures_yield_the_same_bytes() {
        let text = "a 1\n";
        let structs: Vec<(u8,)> = text.bytes().map(|byte| (byte,)).collect();
        for reply in [reply(&text.as_bytes()), reply(&text), reply(&structs)] {
            assert_eq!(payload(&reply, 4).unwrap(), text);
        }
    }

    #[test]
    fn another_signature_is_named_and_the_limit_holds() {
        let error = payload(&reply(&7_u32), 100).unwrap_err();
        assert_eq!(error.reason, Reason::Malformed);
        assert!(error.message.contains("\"u\""), "{error}");
        let error = payload(&reply(&"12345"), 4).unwrap_err();
        assert_eq!(error.reason, Reason::TooLarge);
        assert_eq!(payload(&reply(&[0_u8; 0].as_slice()), 4).unwrap(), "");
    }

    /// A socket without further data.
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
    fn bytes_after_the_value_are_an_error() {
        let mut bytes = reply(&"a 1\n".as_bytes()).data().bytes().to_vec();
        // The length of the array is less than that of the body.
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
