//! Delays before restarts: exponential with a maximum and jitter, reset after a quiet period.
//!
//! Pure arithmetic, so that every property can be tested: this module does not read a clock,
//! sleep or draw random numbers. (The crate `backon` adds jitter after the maximum is applied,
//! so its delays exceed the maximum.)

use std::time::Duration;

/// The delays after consecutive failures.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    first: Duration,
    longest: Duration,
    /// After this time without a failure, the next delay is the first again.
    quiet: Duration,
    /// Number of failures since the last reset.
    failures: u32,
}

/// The back-off of actors: 100 ms, doubling up to 30 s, reset after a minute without a failure.
pub(crate) const ACTOR_BACKOFF: Backoff = Backoff::new(
    Duration::from_millis(100),
    Duration::from_secs(30),
    Duration::from_secs(60),
);

/// The largest fraction of a delay that jitter removes, so that actors which failed together do
/// not restart together.
const JITTER: f64 = 0.2;

impl Backoff {
    pub(crate) const fn new(first: Duration, longest: Duration, quiet: Duration) -> Self {
        Self {
            first,
            longest,
            quiet,
            failures: 0,
        }
    }

    /// The same back-off with a lower maximum.
    #[cfg(feature = "faults")]
    pub(crate) fn capped_at(mut self, longest: Duration) -> Self {
        self.longest = longest.min(self.longest);
        self.first = self.first.min(self.longest);
        self
    }

    /// The delay after a failure. `ran` is the time since the previous delay ended. `jitter` is
    /// a random number from 0 to 1 that shortens the delay.
    pub(crate) fn next_delay(&mut self, ran: Duration, jitter: f64) -> Duration {
        if ran >= self.quiet {
            self.failures = 0;
        }
        let doubled = 2_u32.saturating_pow(self.failures);
        let nominal = self.first.saturating_mul(doubled).min(self.longest);
        self.failures = self.failures.saturating_add(1);
        nominal.mul_f64(1.0 - JITTER * jitter.clamp(0.0, 1.0))
    }

    /// Resets after a success: the next delay is the first again.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FIRST: Duration = Duration::from_millis(100);
    const LONGEST: Duration = Duration::from_secs(30);
    const QUIET: Duration = Duration::from_secs(60);

    fn backoff() -> Backoff {
        Backoff::new(FIRST, LONGEST, QUIET)
    }

    #[test]
    fn delays_double_from_the_first_to_the_longest() {
        let mut backoff = backoff();
        let delays: Vec<_> = (0..12)
            .map(|_| backoff.next_delay(Duration::ZERO, 0.0).as_millis())
            .collect();
        let expected = [
            100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000, 30_000,
        ];
        assert_eq!(delays, expected);
    }

    #[test]
    fn a_quiet_period_and_a_success_reset_the_delay() {
        let mut backoff = backoff();
        for _ in 0..5 {
            backoff.next_delay(Duration::ZERO, 0.0);
        }
        let almost = QUIET - Duration::from_millis(1);
        assert_eq!(backoff.next_delay(almost, 0.0), FIRST * 32);
        assert_eq!(backoff.next_delay(QUIET, 0.0), FIRST);
        backoff.reset();
        assert_eq!(backoff.next_delay(Duration::ZERO, 0.0), FIRST);
    }

    proptest! {
        #[test]
        fn jitter_shortens_by_at_most_a_fifth(failures in 0_u32..100, jitter in -1.0..2.0_f64) {
            let mut plain = backoff();
            let mut jittered = backoff();
            for _ in 0..failures {
                plain.next_delay(Duration::ZERO, 0.0);
                jittered.next_delay(Duration::ZERO, jitter);
            }
            let nominal = plain.next_delay(Duration::ZERO, 0.0);
            let delay = jittered.next_delay(Duration::ZERO, jitter);
            prop_assert!(delay <= nominal && delay <= LONGEST);
            prop_assert!(delay >= nominal.mul_f64(0.8 - 1e-9));
        }
    }
}
