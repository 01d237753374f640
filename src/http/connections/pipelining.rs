//! Limits pipelined requests: requests that a client sends before it has received the
//! responses to earlier ones.
//!
//! actix-http parses every request that it has read, thousands in a few packets, and keeps
//! some KiB for each until its turn. So only a few heads are passed to it at a time; further
//! bytes are held back here, and unread bytes stay in the socket.
//!
//! Pure. A head ends with an empty line (RFC 9112, section 2.1), and so may a part of a
//! request body, so the count may be too high: once the connection is idle and nothing of it
//! became a request, the count is reset.

/// Maximum number of heads passed on whose requests have not begun.
const MAX_HEADS: u64 = 4;

/// Counts the heads that were passed on, and keeps the bytes that were not.
#[derive(Debug, Default)]
pub(super) struct Pipelining {
    /// Heads passed on since the last update.
    heads: u64,
    /// Number of requests at the last update.
    requests: u64,
    line: Line,
    /// See [`Pipelining::head_bytes`].
    head_bytes: usize,
    /// Received bytes that are not passed on yet.
    held_back: Vec<u8>,
}

/// The state of the current line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Line {
    /// Nothing, and no line of a head before it: parsers skip empty lines there.
    #[default]
    First,
    /// Nothing, after a line of a head.
    Empty,
    /// A part of the first line, which contains the target of the request.
    Request,
    /// A part of another line.
    Begun,
}

impl Pipelining {
    /// Whether no further head may be passed on. `requests` is the number of requests that
    /// have begun on the connection; likewise below.
    pub(super) fn is_full(&self, requests: u64) -> bool {
        self.waiting(requests) >= MAX_HEADS
    }

    fn waiting(&self, requests: u64) -> u64 {
        self.heads.saturating_sub(requests - self.requests)
    }

    /// Assumes that no head is waiting.
    pub(super) fn reset(&mut self, requests: u64) {
        self.heads = 0;
        self.requests = requests;
    }

    /// Returns how many of these bytes may be passed on now.
    pub(super) fn pass(&mut self, bytes: &[u8], requests: u64) -> usize {
        self.pass_each(bytes, requests, |_, _| {})
    }

    /// [`Self::pass`] for bytes that are not all ASCII; also returns what to pass on. Others
    /// in the target of a request are percent-encoded, as RFC 3986, section 2.1, requires:
    /// some clients do not, and parsers of targets reject them. Bytes that may belong to the
    /// body of a request, because its head is waiting, never are: that would change where the
    /// body ends. For the same reason the caller must not use this after such a request.
    pub(super) fn pass_encoded(&mut self, bytes: &[u8], requests: u64) -> (usize, Vec<u8>) {
        let mut encoded = Vec::with_capacity(bytes.len() + bytes.len() / 2);
        let passed = self.pass_each(bytes, requests, |byte, is_target| {
            if is_target && !byte.is_ascii() {
                encoded.extend(format!("%{byte:02X}").bytes());
            } else {
                encoded.push(byte);
            }
        });
        (passed, encoded)
    }

    /// Passes bytes on to `each`, with whether the byte is a part of a first line.
    fn pass_each(&mut self, bytes: &[u8], requests: u64, mut each: impl FnMut(u8, bool)) -> usize {
        let waiting = self.waiting(requests);
        self.heads = waiting;
        self.requests = requests;
        let mut head_bytes = (waiting > 0).then_some(0);
        let mut passed = bytes.len();
        for (index, byte) in bytes.iter().enumerate() {
            self.line = match (byte, self.line) {
                (b'\r', line) => line,
                (b'\n', Line::First) => Line::First,
                (b'\n', Line::Begun | Line::Request) => Line::Empty,
                (b'\n', Line::Empty) => {
                    self.heads += 1;
                    head_bytes.get_or_insert(index + 1);
                    Line::First
                }
                (_, Line::First | Line::Request) => Line::Request,
                (_, Line::Empty | Line::Begun) => Line::Begun,
            };
            each(*byte, self.line == Line::Request && self.heads == 0);
            if self.heads >= MAX_HEADS {
                passed = index + 1;
                break;
            }
        }
        self.head_bytes = head_bytes.unwrap_or(passed);
        passed
    }

    /// How many of the bytes that were passed last belong to a head before which no other waits.
    /// What follows a complete head may be the body of its request.
    pub(super) fn head_bytes(&self) -> usize {
        self.head_bytes
    }

    /// Holds bytes back, before those that are held back already.
    pub(super) fn hold_back(&mut self, bytes: &[u8]) {
        self.held_back.splice(..0, bytes.iter().copied());
    }

    /// Takes at most `most` of the bytes that are held back.
    pub(super) fn take_held_back(&mut self, most: usize) -> Vec<u8> {
        let rest = self.held_back.split_off(self.held_back.len().min(most));
        std::mem::replace(&mut self.held_back, rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";

    #[test]
    fn few_heads_are_passed_on_until_their_requests_begin() {
        let mut pipelining = Pipelining::default();
        let many = HEAD.repeat(100);
        let passed = pipelining.pass(&many, 0);
        assert_eq!(passed, HEAD.len() * 4);
        assert!(pipelining.is_full(0) && !pipelining.is_full(1));
        assert_eq!(pipelining.pass(&many, 3), HEAD.len() * 3);
        pipelining.reset(3);
        assert_eq!(pipelining.pass(&many, 3), HEAD.len() * 4);
    }

    #[test]
    fn a_client_that_waits_for_each_response_is_never_delayed() {
        let mut pipelining = Pipelining::default();
        for requests in 0..100 {
            assert!(!pipelining.is_full(requests));
            for byte in HEAD {
                assert_eq!(pipelining.pass(&[*byte], requests), 1);
            }
        }
    }

    #[test]
    fn empty_lines_before_a_head_do_not_count_and_carriage_returns_are_optional() {
        let mut pipelining = Pipelining::default();
        assert_eq!(pipelining.pass(&b"\r\n".repeat(50), 0), 100);
        assert!(!pipelining.is_full(0));
        let bare = b"GET / HTTP/1.1\n\n";
        assert_eq!(pipelining.pass(&bare.repeat(9), 0), bare.len() * 4);
    }

    #[test]
    fn what_follows_a_complete_head_is_not_part_of_a_head() {
        let mut pipelining = Pipelining::default();
        pipelining.pass(&HEAD[..10], 0);
        assert_eq!(pipelining.head_bytes(), 10);
        pipelining.pass(&[&HEAD[10..], &b"body\n".repeat(9)].concat(), 0);
        assert_eq!(pipelining.head_bytes(), HEAD.len() - 10);
        pipelining.pass(b"more of the body", 0);
        assert_eq!(pipelining.head_bytes(), 0);
        pipelining.pass(&HEAD[..10], 1);
        assert_eq!(pipelining.head_bytes(), 10);
    }

    #[test]
    fn only_the_target_of_a_request_is_encoded() {
        let mut pipelining = Pipelining::default();
        let head = "GET /?a=\u{fc} HTTP/1.1\r\nhost: \u{fc}\r\n\r\n".as_bytes();
        let expected = "GET /?a=%C3%BC HTTP/1.1\r\nhost: \u{fc}\r\n\r\n".as_bytes();
        let (passed, encoded) = pipelining.pass_encoded(&head.repeat(2), 0);
        assert_eq!(passed, 2 * head.len());
        assert_eq!(encoded, [expected, head].concat(), "it may be a body");
        let (first, second) = head.split_at(9);
        let mut parts = pipelining.pass_encoded(first, 2).1;
        parts.extend(pipelining.pass_encoded(second, 2).1);
        assert_eq!(parts, expected);
    }

    #[test]
    fn bytes_held_back_keep_their_order() {
        let mut pipelining = Pipelining::default();
        pipelining.hold_back(b"abcde");
        assert_eq!(pipelining.take_held_back(3), b"abc");
        pipelining.hold_back(b"c");
        assert_eq!(pipelining.take_held_back(9), b"cde");
        assert!(pipelining.take_held_back(9).is_empty());
    }
}
