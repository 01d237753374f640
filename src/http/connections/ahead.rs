//! What a client sends ahead of the answers it waits for.
//!
//! actix-http parses all requests that it has read, thousands in a few packets,
//! and keeps some KiB of each until it is its turn. So it is given few heads at a
//! time; the rest waits here, and what is behind that with the client. Pure; a
//! head ends with an empty line (RFC 9112, section 2.1), and so may a piece of a
//! body, which is why too many are counted at times: who has nothing left to do
//! begins to count anew.

/// How many heads are given whose requests have not begun.
const MOST: u64 = 4;

/// The heads that were given, and the bytes that were not.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    /// How many heads were given.
    heads: u64,
    /// How many requests there were when none of these had been given.
    requests: u64,
    line: Line,
    /// What came and is not to be given yet.
    kept: Vec<u8>,
}

/// What has come since the last line ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Line {
    /// Nothing, and no line of a head before it: empty lines before it are skipped.
    #[default]
    First,
    /// Nothing, after a line of a head.
    Empty,
    /// Something.
    Begun,
}

impl Ahead {
    /// Whether as many heads wait as may, after so many requests in all.
    pub(super) fn is_full(&self, requests: u64) -> bool {
        self.waiting(requests) >= MOST
    }

    fn waiting(&self, requests: u64) -> u64 {
        self.heads.saturating_sub(requests - self.requests)
    }

    /// Nothing waits, after so many requests in all.
    pub(super) fn begin_anew(&mut self, requests: u64) {
        self.heads = 0;
        self.requests = requests;
    }

    /// How much of these bytes may be given after so many requests in all.
    pub(super) fn give(&mut self, bytes: &[u8], requests: u64) -> usize {
        let waiting = self.waiting(requests);
        self.heads = waiting;
        self.requests = requests;
        for (index, byte) in bytes.iter().enumerate() {
            self.line = match (byte, self.line) {
                (b'\r', line) => line,
                (b'\n', Line::First) => Line::First,
                (b'\n', Line::Begun) => Line::Empty,
                (b'\n', Line::Empty) => {
                    self.heads += 1;
                    Line::First
                }
                _ => Line::Begun,
            };
            if self.heads >= MOST {
                return index + 1;
            }
        }
        bytes.len()
    }

    /// Keeps what is not to be given yet, before what is kept already.
    pub(super) fn keep_first(&mut self, bytes: &[u8]) {
        self.kept.splice(..0, bytes.iter().copied());
    }

    /// Takes up to so many bytes of what was kept.
    pub(super) fn take_kept(&mut self, most: usize) -> Vec<u8> {
        let rest = self.kept.split_off(self.kept.len().min(most));
        std::mem::replace(&mut self.kept, rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";

    #[test]
    fn few_heads_are_given_until_their_requests_begin() {
        let mut ahead = Ahead::default();
        let many = HEAD.repeat(100);
        let given = ahead.give(&many, 0);
        assert_eq!(given, HEAD.len() * 4);
        assert!(ahead.is_full(0) && !ahead.is_full(1));
        assert_eq!(ahead.give(&many, 3), HEAD.len() * 3);
        ahead.begin_anew(3);
        assert_eq!(ahead.give(&many, 3), HEAD.len() * 4);
    }

    #[test]
    fn whoever_waits_for_each_answer_is_never_held_up() {
        let mut ahead = Ahead::default();
        for requests in 0..100 {
            assert!(!ahead.is_full(requests));
            for byte in HEAD {
                assert_eq!(ahead.give(&[*byte], requests), 1);
            }
        }
    }

    #[test]
    fn empty_lines_before_a_head_are_none_and_lines_may_lack_their_carriage_return() {
        let mut ahead = Ahead::default();
        assert_eq!(ahead.give(&b"\r\n".repeat(50), 0), 100);
        assert!(!ahead.is_full(0));
        let bare = b"GET / HTTP/1.1\n\n";
        assert_eq!(ahead.give(&bare.repeat(9), 0), bare.len() * 4);
    }

    #[test]
    fn what_was_kept_is_taken_in_its_order() {
        let mut ahead = Ahead::default();
        ahead.keep_first(b"abcde");
        assert_eq!(ahead.take_kept(3), b"abc");
        ahead.keep_first(b"c");
        assert_eq!(ahead.take_kept(9), b"cde");
        assert!(ahead.take_kept(9).is_empty());
    }
}
