//! The response times of the neighbours, compared with those without the fault.
//!
//! The median has a close limit: a busy machine delays a few responses, but a neighbour that waits
//! for the fault delays all of them. Single responses have a limit too, above what was observed on
//! machines and far below the time of waiting for the fault.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// The longest time of any response, and until a changed file is served: waiting for the fault would
/// take longer.
pub const BOUND: Duration = Duration::from_millis(1500);
/// The longest time of a response during a fault that does not use the processors. The maximum that
/// was observed is a seventh of a second, on two busy processors.
pub const LONGEST: Duration = Duration::from_millis(750);
/// The median during a fault may be this multiple of the median without it, plus this time: the
/// clients of the fault itself use the processors too.
const TIMES: u32 = 3;
const TOLERANCE: Duration = Duration::from_millis(20);
/// The least number of responses for a meaningful median.
const ENOUGH: usize = 5;

/// The times of responses by selector, and the times until a changed file was served.
#[derive(Debug, Default)]
pub struct Latencies {
    responses: BTreeMap<&'static str, Vec<Duration>>,
    longest_change: Duration,
}

impl Latencies {
    pub fn is_empty(&self) -> bool {
        self.responses.is_empty()
    }

    /// Adds the time of a response.
    #[track_caller]
    pub fn response(&mut self, selector: &'static str, took: Duration) {
        assert!(took < BOUND, "{selector} took {took:?}");
        self.responses.entry(selector).or_default().push(took);
    }

    /// Adds the time until a changed file was served.
    pub fn change_served(&mut self, took: Duration) {
        self.longest_change = self.longest_change.max(took);
    }

    /// Adds the times of another client.
    pub fn add(&mut self, other: Self) {
        for (selector, times) in other.responses {
            self.responses.entry(selector).or_default().extend(times);
        }
        self.longest_change = self.longest_change.max(other.longest_change);
    }

    /// Compares the median of each selector with its median without the fault.
    ///
    /// # Errors
    /// Which median is too long.
    pub fn compare_medians(&self, baseline: &Self) -> Result<(), String> {
        if !baseline.responses.keys().eq(self.responses.keys()) {
            return Err(format!("{self:?} have other selectors than {baseline:?}"));
        }
        for (selector, times) in &self.responses {
            let bound = median(&baseline.responses[selector]) * TIMES + TOLERANCE;
            let measured = median(times);
            if times.len() >= ENOUGH && measured > bound {
                return Err(format!(
                    "{selector} has the median {measured:?}, more than {bound:?}"
                ));
            }
        }
        Ok(())
    }

    /// Asserts that no response exceeds the limit for single ones.
    #[track_caller]
    pub fn assert_maximum(&self, longest: Duration, name: &str) {
        for (selector, times) in &self.responses {
            let late = times.iter().max();
            assert!(
                late <= Some(&longest),
                "{name}: {selector} took {late:?}, more than {longest:?}"
            );
        }
    }
}

fn median(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

impl fmt::Display for Latencies {
    /// The median and the maximum of responses, and the maximum until a changed file was served.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<_> = self.responses.values().flatten().copied().collect();
        let longest = all.iter().max().copied().unwrap_or_default();
        let (median, change) = (median(&all), self.longest_change);
        write!(out, "{median:.1?}/{longest:.1?}/{change:.0?}")
    }
}
