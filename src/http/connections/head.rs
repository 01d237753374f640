//! What has come of the next request of a connection, and by when the rest must come.
//!
//! Pure arithmetic: it is told what comes and what is sent, and judges.

use crate::limits::Limit;
use local_exporter_config::ClientLimits;
use tokio::time::Instant;

/// The most bytes of a request's head, and of what comes before it is read.
pub(crate) const LARGEST_HEAD: usize = 32 * 1024;

/// What a multiplexed client may send about each byte that it receives, as a part of it.
const ACKNOWLEDGEMENT: usize = 8;

/// How the requests of a connection come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turns {
    /// One after the other: HTTP/1.1.
    InTurn,
    /// Any number at once, in frames: HTTP/2.
    Multiplexed,
}

/// What has come of the next request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    turns: Turns,
    /// How many requests came before.
    before: u64,
    /// When it began; never set where requests have no turns.
    first_byte: Option<Instant>,
    bytes: usize,
    /// Bytes sent since the last request began.
    sent: usize,
}

impl Head {
    /// Nothing has come of it, and so many requests before.
    pub(super) fn new(turns: Turns, before: u64) -> Self {
        Self {
            turns,
            before,
            first_byte: None,
            bytes: 0,
            sent: 0,
        }
    }

    /// How it comes.
    pub(super) fn turns(&self) -> Turns {
        self.turns
    }

    /// Begins to count anew if a request has begun since.
    pub(super) fn renew(&mut self, requests: u64) {
        if requests != self.before {
            *self = Self::new(self.turns, requests);
        }
    }

    /// That much came. Frames may come at any time: where requests have no turns,
    /// no time begins with them.
    pub(super) fn came(&mut self, bytes: usize) {
        if self.turns == Turns::InTurn {
            self.first_byte.get_or_insert_with(Instant::now);
        }
        self.bytes += bytes;
    }

    /// That much was sent.
    pub(super) fn sent(&mut self, bytes: usize) {
        self.sent = self.sent.saturating_add(bytes);
    }

    /// Whether a part of it has come.
    pub(super) fn has_begun(&self) -> bool {
        self.first_byte.is_some()
    }

    /// Whether more has come than may. Who receives a large answer in frames sends
    /// many about it.
    pub(super) fn is_too_large(&self) -> bool {
        let about_what_was_sent = match self.turns {
            Turns::InTurn => 0,
            Turns::Multiplexed => self.sent / ACKNOWLEDGEMENT,
        };
        self.bytes > LARGEST_HEAD + about_what_was_sent
    }

    /// By when it must be whole, or have begun, if nothing is under way since then.
    pub(super) fn deadline(&self, idle_since: Instant, limits: ClientLimits) -> (Instant, Limit) {
        match self.first_byte {
            Some(first_byte) => (first_byte + limits.header_timeout, Limit::HeaderTimeout),
            None if self.before == 0 => (idle_since + limits.header_timeout, Limit::HeaderTimeout),
            None => (idle_since + limits.idle_timeout, Limit::IdleTimeout),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_makes_room_in_frames_alone() {
        for (turns, is_too_large) in [(Turns::InTurn, true), (Turns::Multiplexed, false)] {
            let mut head = Head::new(turns, 1);
            head.came(LARGEST_HEAD);
            assert!(!head.is_too_large(), "{turns:?}");
            head.sent(ACKNOWLEDGEMENT);
            head.came(1);
            assert_eq!(head.is_too_large(), is_too_large, "{turns:?}");
            head.came(1);
            assert!(head.is_too_large(), "{turns:?}");
        }
    }

    #[test]
    fn a_request_that_has_begun_ends_the_count_of_its_head() {
        let mut head = Head::new(Turns::InTurn, 0);
        head.came(LARGEST_HEAD + 1);
        head.renew(0);
        assert!(head.is_too_large() && head.has_begun());
        head.renew(1);
        assert!(!head.is_too_large() && !head.has_begun());
    }
}
