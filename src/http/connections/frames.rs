//! Follows the frames of HTTP/2 in the bytes that a client sends (RFC 9113, section 4.1).
//!
//! The contents of DATA frames belong to requests: flow control bounds them. All other bytes
//! are counted by the caller. Empty DATA frames are counted separately, because h2 0.3 queues
//! any number of them on a stream that is not read (RUSTSEC-2026-0258).
//!
//! Pure.

/// Length of the client's preface (RFC 9113, section 3.4).
const PREFACE: usize = 24;
/// Length of a frame's header.
const HEADER: usize = 9;
/// Type of a DATA frame.
const DATA: u8 = 0;
/// Flags of a DATA frame.
const END_STREAM: u8 = 1;
const PADDED: u8 = 8;

/// The position in the frames of a connection.
#[derive(Debug)]
pub(super) struct Frames {
    header: [u8; HEADER],
    /// Number of received bytes of the header.
    received: usize,
    /// Bytes of the frame that follow, or of the preface.
    rest: usize,
    is_data: bool,
}

/// The contents of received bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    /// Bytes outside the contents of DATA frames.
    pub(super) control_bytes: usize,
    /// DATA frames that have no content and do not end their stream, and those with padding,
    /// which may have none.
    pub(super) empty_frames: usize,
}

impl Default for Frames {
    fn default() -> Self {
        Self {
            header: [0; HEADER],
            received: 0,
            rest: PREFACE,
            is_data: false,
        }
    }
}

impl Frames {
    /// Counts the next received bytes.
    pub(super) fn count(&mut self, mut bytes: &[u8]) -> Counted {
        let mut counted = Counted::default();
        while let Some(first) = bytes.first() {
            let taken = if self.rest > 0 {
                let taken = self.rest.min(bytes.len());
                self.rest -= taken;
                counted.control_bytes += if self.is_data { 0 } else { taken };
                taken
            } else {
                counted.control_bytes += 1;
                counted.empty_frames += usize::from(self.header_byte(*first));
                1
            };
            bytes = bytes.get(taken..).unwrap_or_default();
        }
        counted
    }

    /// Adds a byte of a header; returns whether it completes that of an empty frame.
    fn header_byte(&mut self, byte: u8) -> bool {
        if let Some(place) = self.header.get_mut(self.received) {
            *place = byte;
        }
        self.received += 1;
        if self.received < HEADER {
            return false;
        }
        self.received = 0;
        let [high, middle, low, kind, flags, ..] = self.header;
        let length = u32::from_be_bytes([0, high, middle, low]);
        self.rest = usize::try_from(length).unwrap_or(usize::MAX);
        self.is_data = kind == DATA;
        self.is_data && flags & END_STREAM == 0 && (length == 0 || flags & PADDED != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, content: usize) -> Vec<u8> {
        let length = u32::try_from(content).unwrap().to_be_bytes();
        let mut frame = vec![length[1], length[2], length[3], kind, flags, 0, 0, 0, 1];
        frame.resize(HEADER + content, DATA);
        frame
    }

    #[test]
    fn only_the_contents_of_data_frames_are_left_out() {
        let frames = [
            vec![b'P'; PREFACE],
            frame(4, 0, 12),
            frame(DATA, 0, 70_000),
            frame(1, 4, 100),
            frame(DATA, 0, 0),
            frame(DATA, END_STREAM, 0),
            frame(DATA, PADDED, 5),
            frame(8, 0, 4),
        ]
        .concat();
        let expected = Counted {
            control_bytes: PREFACE + 7 * HEADER + 12 + 100 + 4,
            empty_frames: 2,
        };
        assert_eq!(Frames::default().count(&frames), expected);
        // The division of the bytes into reads does not matter.
        let mut parts = Frames::default();
        let mut sum = Counted::default();
        for part in frames.chunks(7) {
            let counted = parts.count(part);
            sum.control_bytes += counted.control_bytes;
            sum.empty_frames += counted.empty_frames;
        }
        assert_eq!(sum, expected);
    }
}
