//! How long the neighbours' answers took, and whether that is as long as without the fault.
//!
//! The median is what is held close to the calm one: a busy machine makes a few answers late, and
//! a neighbour that waits for anybody makes all of them late. What a few may take is bounded too,
//! beyond what machines were seen to do and far below what waiting for the fault takes.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// What no answer may take, nor the news of a file: whoever waits for the fault beside it waits
/// longer.
pub const BOUND: Duration = Duration::from_millis(1500);
/// What an answer may take beside a fault that burdens nobody. The longest that was seen is a
/// seventh of a second, on two processors with much else to do.
pub const LONGEST: Duration = Duration::from_millis(750);
/// How often the calm median, and how much beyond that, the median during a fault may be: the
/// clients of the fault itself take their share of two processors.
const TIMES: u32 = 3;
const BEYOND: Duration = Duration::from_millis(20);
/// So many answers have a median worth the name.
const ENOUGH: usize = 5;

/// The times of answers by selector, and of the news of a file.
#[derive(Debug, Default)]
pub struct Latencies {
    answers: BTreeMap<&'static str, Vec<Duration>>,
    longest_news: Duration,
}

impl Latencies {
    pub fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }

    /// Notes an answer.
    #[track_caller]
    pub fn answer(&mut self, selector: &'static str, took: Duration) {
        assert!(took < BOUND, "{selector} took {took:?}");
        self.answers.entry(selector).or_default().push(took);
    }

    /// Notes the news of a file.
    pub fn news(&mut self, took: Duration) {
        self.longest_news = self.longest_news.max(took);
    }

    /// Adds what another client saw.
    pub fn add(&mut self, other: Self) {
        for (selector, times) in other.answers {
            self.answers.entry(selector).or_default().extend(times);
        }
        self.longest_news = self.longest_news.max(other.longest_news);
    }

    /// Holds the median of each selector against its own without the fault.
    ///
    /// # Errors
    /// What is longer than it may be.
    pub fn usual_as(&self, calm: &Self) -> Result<(), String> {
        if !calm.answers.keys().eq(self.answers.keys()) {
            return Err(format!("{self:?} are not of those of {calm:?}"));
        }
        for (selector, times) in &self.answers {
            let bound = median(&calm.answers[selector]) * TIMES + BEYOND;
            let usual = median(times);
            if times.len() >= ENOUGH && usual > bound {
                return Err(format!(
                    "{selector} usually took {usual:?}, more than {bound:?}"
                ));
            }
        }
        Ok(())
    }

    /// Holds every answer against what single ones may take.
    #[track_caller]
    pub fn assert_none_beyond(&self, longest: Duration, name: &str) {
        for (selector, times) in &self.answers {
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
    /// Median and longest answer, and the longest that a file's news took.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<_> = self.answers.values().flatten().copied().collect();
        let longest = all.iter().max().copied().unwrap_or_default();
        let (median, news) = (median(&all), self.longest_news);
        write!(out, "{median:.1?}/{longest:.1?} (news {news:.0?})")
    }
}
