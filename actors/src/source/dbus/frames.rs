//! The sizes of the messages in the stream from a bus.
//!
//! zbus allocates a message as soon as it knows its size, up to 128 MiB (D-Bus specification, "Maximum
//! length"). A message that is larger than its receiver accepts is refused before that.

use std::fmt;

/// The size of the fixed part of a message header, which contains its other sizes (D-Bus
/// specification, "Message Format").
const FIXED: usize = 16;

/// Follows the messages of a stream. The bytes of their contents are not looked at.
#[derive(Debug)]
pub(super) struct Frames {
    largest: usize,
    /// The part of the fixed header that was received.
    header: Vec<u8>,
    /// The number of bytes until the next header.
    left: usize,
}

/// A message is larger than accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Oversized;

impl fmt::Display for Oversized {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a message is too large")
    }
}

impl std::error::Error for Oversized {}

impl Frames {
    /// Accepts messages of at most `largest` bytes.
    pub(super) fn new(largest: usize) -> Self {
        Self {
            largest,
            header: Vec::with_capacity(FIXED),
            left: 0,
        }
    }

    /// Follows received bytes.
    ///
    /// # Errors
    /// If the header of a message announces too many bytes.
    pub(super) fn take(&mut self, mut bytes: &[u8]) -> Result<(), Oversized> {
        while !bytes.is_empty() {
            let wanted = match self.left {
                0 => FIXED - self.header.len(),
                left => left,
            };
            let (now, rest) = bytes.split_at(wanted.min(bytes.len()));
            bytes = rest;
            if self.left > 0 {
                self.left -= now.len();
                continue;
            }
            self.header.extend_from_slice(now);
            if self.header.len() == FIXED {
                let size = size(&self.header);
                if size > self.largest {
                    return Err(Oversized);
                }
                self.left = size - FIXED;
                self.header.clear();
            }
        }
        Ok(())
    }
}

/// The size of the message with this fixed header.
fn size(header: &[u8]) -> usize {
    let number = |at: usize| {
        let bytes = header
            .get(at..at + 4)
            .and_then(|bytes| bytes.try_into().ok());
        let bytes: [u8; 4] = bytes.unwrap_or_default();
        let number = match header.first() {
            Some(b'B') => u32::from_be_bytes(bytes),
            _ => u32::from_le_bytes(bytes),
        };
        usize::try_from(number).unwrap_or(usize::MAX)
    };
    let (body, fields) = (number(4), number(12));
    // The body begins at a multiple of eight bytes.
    let head = FIXED.saturating_add(fields).checked_next_multiple_of(8);
    head.unwrap_or(usize::MAX).saturating_add(body)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;
    use zbus::message::Message;

    fn message(length: usize) -> Vec<u8> {
        let call = Message::method_call("/", "M").build(&()).unwrap();
        let reply = Message::method_return(&call.header()).build(&vec![0_u8; length]);
        reply.unwrap().data().to_vec()
    }

    #[test]
    fn a_message_that_is_too_large_is_known_after_its_header() {
        let (small, large) = (message(100), message(1000));
        let stream = [&small[..], &small, &large].concat();
        for piece in [1, 7, 16, stream.len()] {
            let mut frames = Frames::new(large.len());
            assert!(stream.chunks(piece).all(|bytes| frames.take(bytes).is_ok()));
            assert_eq!((frames.left, frames.header.len()), (0, 0), "{piece}");
            let mut frames = Frames::new(large.len() - 1);
            let until_header = stream.get(..2 * small.len() + FIXED).unwrap();
            let taken: Vec<_> = until_header
                .chunks(piece)
                .map(|bytes| frames.take(bytes))
                .collect();
            let (last, before) = taken.split_last().unwrap();
            assert_eq!(*last, Err(Oversized), "{piece}");
            assert!(before.iter().all(Result::is_ok), "{piece}");
        }
    }

    #[test]
    fn the_byte_order_is_that_of_the_message() {
        let header = [b'B', 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 1];
        assert_eq!(size(&header), 24 + 9);
        let header = [b'l', 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0];
        assert_eq!(size(&header), 24 + 9);
    }
}
