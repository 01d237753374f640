//! Reads any reply from a bus.
//!
//! Rules: no panic; the result is exactly the bytes of the body or an error; an error is one short sentence.
//!
//! The input is a byte of the flags `BIG_ENDIAN` and `ERROR`, a signature, a NUL byte and the body. The message
//! around them is built here, and parsed by the code that reads it from a socket.

use futures_util::FutureExt;
use local_exporter_actors::source::dbus;
use std::io;
use std::os::fd::OwnedFd;
use zbus::connection::socket::ReadHalf;
use zbus::export::async_trait::async_trait;
use zbus::message::{Message, Type};

const BIG_ENDIAN: u8 = 1;
const ERROR: u8 = 2;
/// Small, so that larger bodies occur too.
const MAX_BYTES: usize = 64;
const LONGEST_SENTENCE: usize = 1024;

/// Reads one reply. Panics if a rule is broken.
pub fn run(input: &[u8]) {
    let Some((flags, rest)) = input.split_first() else {
        return;
    };
    let Some(end) = rest
        .iter()
        .position(|byte| *byte == 0)
        .filter(|end| *end < 256)
    else {
        return;
    };
    let (signature, body) = (&rest[..end], &rest[end + 1..]);
    let order = if flags & BIG_ENDIAN == 0 {
        Order::Little
    } else {
        Order::Big
    };
    let kind = if flags & ERROR == 0 {
        Type::MethodReturn
    } else {
        Type::Error
    };
    // A message that zbus rejects never becomes a reply.
    let Some(message) = received(message(order, kind, signature, body)) else {
        return;
    };
    assert_eq!(
        (message.message_type(), message.body().len()),
        (kind, body.len())
    );
    if kind == Type::Error {
        return is_a_sentence(&dbus::refusal(&message, "com.example.Daemon", false).to_string());
    }
    let expected = content(order, signature, body).filter(|bytes| bytes.len() <= MAX_BYTES);
    let found = dbus::payload(&message, MAX_BYTES);
    match found {
        Ok(bytes) => assert_eq!(Some(&bytes[..]), expected.as_deref(), "{message:?}"),
        Err(error) => {
            assert_eq!(expected, None, "{error}");
            is_a_sentence(&error.to_string());
        }
    }
}

fn is_a_sentence(text: &str) {
    assert!(!text.chars().any(char::is_control), "{text:?}");
    assert!(text.len() <= LONGEST_SENTENCE, "{} bytes", text.len());
}

/// The bytes in a body according to the D-Bus specification ("Marshaling"), for the three signatures that are
/// supported. The byte that terminates a string is ignored: nothing depends on it.
fn content(order: Order, signature: &[u8], body: &[u8]) -> Option<Vec<u8>> {
    let (length, rest) = body.split_first_chunk()?;
    let length = usize::try_from(order.read(*length)).ok()?;
    match signature {
        b"ay" => (rest.len() == length).then(|| rest.to_vec()),
        b"s" => {
            let (_, text) = rest.split_last()?;
            let whole = text.len() == length && !text.contains(&0);
            (whole && std::str::from_utf8(text).is_ok()).then(|| text.to_vec())
        }
        b"a(y)" => {
            // Structures begin at multiples of eight; the length is without what fills up to the first.
            let (filling, structures) = rest.split_at_checked(4)?;
            let whole = structures.len() == length && (length == 0 || length % 8 == 1);
            let parts = structures.chunks(8).filter_map(|chunk| chunk.split_first());
            let (bytes, fillings): (Vec<u8>, Vec<&[u8]>) = parts.unzip();
            let filled = filling.iter().chain(fillings.into_iter().flatten());
            (whole && filled.into_iter().all(|byte| *byte == 0)).then_some(bytes)
        }
        _ => None,
    }
}

#[derive(Clone, Copy)]
enum Order {
    Little,
    Big,
}

impl Order {
    fn read(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }

    fn write(self, number: usize) -> [u8; 4] {
        let number = u32::try_from(number).expect("inputs are small");
        match self {
            Self::Little => number.to_le_bytes(),
            Self::Big => number.to_be_bytes(),
        }
    }
}

/// A whole message according to the D-Bus specification ("Message Format").
fn message(order: Order, kind: Type, signature: &[u8], body: &[u8]) -> Vec<u8> {
    const ERROR_NAME: &[u8] = b"com.example.Error.Failed";
    // Each field begins at a multiple of eight: its code, the type of its value, the value.
    let mut fields = [&[5, 1, b'u', 0][..], &order.write(1)].concat();
    if kind == Type::Error {
        fields.extend([4, 1, b's', 0]);
        fields.extend(order.write(ERROR_NAME.len()));
        fields.extend(ERROR_NAME);
        fields.push(0);
        fields.resize(fields.len().next_multiple_of(8), 0);
    }
    if !signature.is_empty() {
        let length = u8::try_from(signature.len()).expect("`run` limits signatures to 255 bytes");
        fields.extend([8, 1, b'g', 0, length]);
        fields.extend(signature);
        fields.push(0);
    }
    let (letter, kind) = match order {
        Order::Little => (b'l', kind as u8),
        Order::Big => (b'B', kind as u8),
    };
    let mut message = vec![letter, kind, 0, 1];
    message.extend(order.write(body.len()));
    message.extend(order.write(7));
    message.extend(order.write(fields.len()));
    message.extend(fields);
    message.resize(message.len().next_multiple_of(8), 0);
    message.extend(body);
    message
}

/// The message as a connection receives it.
fn received(mut bytes: Vec<u8>) -> Option<Message> {
    let (mut socket, mut descriptors) = (Closed, Vec::new());
    let receiving = socket
        .receive_message(0, &mut bytes, &mut descriptors)
        .now_or_never();
    receiving.expect("nothing is waited for").ok()
}

/// A socket at its end.
#[derive(Debug)]
struct Closed;

#[async_trait]
impl ReadHalf for Closed {
    async fn recvmsg(&mut self, _: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
        Ok((0, Vec::new()))
    }
}
