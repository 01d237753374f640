//! How long to rest after a failure: doubling, capped, with jitter, reset after quiet.
//!
//! Pure arithmetic: it may not read a clock, sleep or draw the jitter itself,
//! so that every property of it can be tested. (The crate `backon` adds its
//! jitter after the cap and so rests longer than its own maximum.)

use std::time::Duration;

/// The rests after consecutive failures.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    first: Duration,
    longest: Duration,
    /// Running this long without a failure starts the series anew.
    quiet: Duration,
    /// Failures since the last quiet spell.
    failures: u32,
}

/// The rests of an actor that fails: 100 ms, doubling, at most 30 s, anew after a quiet minute.
pub(crate) const ACTOR_BACKOFF: Backoff = Backoff::new(
    Duration::from_millis(100),
    Duration::from_secs(30),
    Duration::from_secs(60),
);

/// The share of a rest that jitter may take away, so that what failed
/// together does not return together.
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

    /// The same with a shorter longest rest.
    #[cfg(feature = "faults")]
    pub(crate) fn capped_at(mut self, longest: Duration) -> Self {
        self.longest = longest.min(self.longest);
        self.first = self.first.min(self.longest);
        self
    }

    /// The rest after one more failure, which came `ran` after the previous
    /// rest ended. `jitter` is drawn from 0 to 1; the rest is never longer than
    /// the nominal one.
    pub(crate) fn next_delay(&mut self, ran: Duration, jitter: f64) -> Duration {
        if ran >= self.quiet {
            self.failures = 0;
        }
        let doubled = 2_u32.saturating_pow(self.failures);
        let nominal = self.first.saturating_mul(doubled).min(self.longest);
        self.failures = self.failures.saturating_add(1);
        nominal.mul_f64(1.0 - JITTER * jitter.clamp(0.0, 1.0))
    }

    /// Success: the next failure is the first again.
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
    fn rests_double_from_the_first_to_the_longest() {
        let mut backoff = backoff();
        let rests: Vec<_> = (0..12)
            .map(|_| backoff.next_delay(Duration::ZERO, 0.0).as_millis())
            .collect();
        let expected = [
            100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000, 30_000,
        ];
        assert_eq!(rests, expected);
    }

    #[test]
    fn a_quiet_spell_starts_anew() {
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
            let rest = jittered.next_delay(Duration::ZERO, jitter);
            prop_assert!(rest <= nominal && rest <= LONGEST);
            prop_assert!(rest >= nominal.mul_f64(0.8 - 1e-9));
        }
    }
}
