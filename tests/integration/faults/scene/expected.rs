//! How a scrape at a fault is to be answered, and when.

use super::{SOON, TIMEOUT};
use crate::support::Reply;
use std::time::Duration;

/// How a scrape of `it` is to be answered.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    pub status: u16,
    pub reason: &'static str,
    /// A part of the sentence: what is wrong, or the hint what to do about it.
    pub sentence: &'static str,
    pub when: When,
}

/// When an answer is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    AtOnce,
    /// As soon as so many bytes can be there.
    Within(Duration),
    AtTheDeadline,
}

impl Expected {
    /// An error that needs no waiting.
    pub fn error(reason: &'static str, sentence: &'static str) -> Self {
        Self {
            status: 502,
            reason,
            sentence,
            when: When::AtOnce,
        }
    }

    /// No answer by the deadline.
    pub fn timeout(sentence: &'static str) -> Self {
        Self {
            status: 504,
            reason: "timeout",
            sentence,
            when: When::AtTheDeadline,
        }
    }

    /// Holds an answer against it.
    #[track_caller]
    pub fn assert(&self, reply: &Reply, took: Duration) {
        reply.assert_error(self.status, "it", self.reason);
        let text = reply.text();
        // At the deadline the exporter's HTTP side may be the first to tell, in words of its own.
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
