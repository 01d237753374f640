//! The expected response to a scrape during a fault, and when it is due.

use super::{SOON, TIMEOUT};
use crate::support::Reply;
use std::time::Duration;

/// The expected response to a scrape of `it`.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    pub status: u16,
    pub reason: &'static str,
    /// A part of the message.
    pub sentence: &'static str,
    pub when: When,
}

/// When a response is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    AtOnce,
    /// As soon as this many bytes can be received.
    Within(Duration),
    AtTheDeadline,
}

impl Expected {
    /// An error at once.
    pub fn error(reason: &'static str, sentence: &'static str) -> Self {
        Self {
            status: 502,
            reason,
            sentence,
            when: When::AtOnce,
        }
    }

    /// A timeout at the deadline.
    pub fn timeout(sentence: &'static str) -> Self {
        Self {
            status: 504,
            reason: "timeout",
            sentence,
            when: When::AtTheDeadline,
        }
    }

    /// Asserts that a response is the expected one, and in time.
    #[track_caller]
    pub fn assert(&self, reply: &Reply, took: Duration) {
        reply.assert_error(self.status, "it", self.reason);
        let text = reply.text();
        // At the deadline, the exporter's HTTP side may respond first, with its own message.
        let in_its_words = self.when != When::AtTheDeadline;
        assert!(
            !in_its_words || text.contains(self.sentence),
            "{text:?} lacks {:?}",
            self.sentence
        );
        let (least, most) = match self.when {
            When::AtOnce => (Duration::ZERO, SOON),
            When::Within(limit) => (Duration::ZERO, limit),
            When::AtTheDeadline => (TIMEOUT / 2, TIMEOUT + SOON),
        };
        assert!(least <= took && took < most, "{text:?} after {took:?}");
    }
}
