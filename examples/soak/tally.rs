//! Counts the outcomes of scrapes.

use crate::bodies::is_whole;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// The outcome of one scrape.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Status 200 and a complete body.
    Complete,
    /// An error response with a message.
    Refused,
    /// The client disconnected before the outcome.
    Left,
    /// Anything else, described.
    Wrong(String),
}

impl Outcome {
    pub(crate) fn of(status: u16, body: &[u8]) -> Self {
        match status {
            200 if is_whole(body) => Self::Complete,
            502..=504 if !body.is_empty() => Self::Refused,
            _ => {
                let begin = body.get(..100).unwrap_or(body).escape_ascii();
                Self::Wrong(format!("{status}, {} bytes: {begin}", body.len()))
            }
        }
    }
}

/// The number of each outcome.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    complete: AtomicU64,
    refused: AtomicU64,
    left: AtomicU64,
    wrong: AtomicU64,
}

impl Tally {
    pub(crate) fn count(&self, outcome: &Outcome) {
        let counter = match outcome {
            Outcome::Complete => &self.complete,
            Outcome::Refused => &self.refused,
            Outcome::Left => &self.left,
            Outcome::Wrong(_) => &self.wrong,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether there were responses, and none of them was incorrect.
    pub(crate) fn is_right(&self) -> bool {
        let [complete, wrong] = [&self.complete, &self.wrong].map(read);
        complete > 0 && wrong == 0
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            complete,
            refused,
            left,
            wrong,
        } = self;
        let [complete, refused, left, wrong] = [complete, refused, left, wrong].map(read);
        write!(
            out,
            "scrapes: {complete} with a complete body, {refused} with an error, \
             {left} left by their client, {wrong} wrong"
        )
    }
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
