//! The cached result of a selector, for scrapes that exceed a limit of scrapes in flight.
//!
//! The actor publishes it. A scrape that is not admitted gets it without a message, so it needs
//! no permit and cannot queue.

use crate::lock::lock;
use crate::scrape::ScrapeResult;
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::Instant;

/// The cached result of one selector.
#[derive(Debug, Default)]
pub(super) struct Cached(Mutex<Option<Published>>);

#[derive(Debug)]
struct Published {
    result: ScrapeResult,
    /// Until when it may be served.
    until: Instant,
}

impl Cached {
    /// Replaces the result by one that may be served for `valid_for`.
    pub(super) fn publish(&self, result: ScrapeResult, valid_for: Duration) {
        let until = Instant::now() + valid_for;
        let before = lock(&self.0).replace(Published { result, until });
        // Outside the lock: the last reference to a body may take long to free.
        drop(before);
    }

    /// Removes the result.
    pub(super) fn clear(&self) {
        let before = lock(&self.0).take();
        drop(before);
    }

    /// The result, while it may be served.
    pub(super) fn get(&self) -> Option<ScrapeResult> {
        let published = lock(&self.0);
        let published = published.as_ref()?;
        (Instant::now() < published.until).then(|| published.result.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paused::paused;
    use crate::reason::Reason;
    use crate::scrape::ScrapeError;

    #[test]
    fn a_result_is_served_until_it_expires_or_the_actor_fails() {
        paused(async {
            let cached = Cached::default();
            let second = Duration::from_secs(1);
            let publish = || {
                let error = ScrapeError::new(Reason::Absent, "gone");
                cached.publish(Err(error), second);
            };
            assert!(cached.get().is_none());
            publish();
            assert!(cached.get().is_some());
            tokio::time::sleep(second).await;
            assert!(cached.get().is_none(), "expired");
            publish();
            cached.clear();
            assert!(cached.get().is_none(), "cleared");
        });
    }
}
