//! Who asks, and in which manner.

use crate::exchange::{Answer, Request, ask, sip, take};
use crate::exporter;
use crate::tally::{Outcome, Tally};
use fastrand::Rng;
use std::error::Error;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::park_timeout;
use std::time::Duration;

/// How a client behaves.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Manner {
    /// One connection, kept, one scrape after the other.
    Steady,
    /// HTTP/1.0: a connection for each scrape.
    Old,
    /// As Prometheus does: compressed, if that can be had.
    Compressed,
    /// Reads as slowly as it can.
    Slow,
    /// Hangs up in the middle of a scrape.
    Leaving,
}

impl Manner {
    /// One for each client.
    pub(crate) const ALL: [Self; 10] = [
        Self::Steady,
        Self::Steady,
        Self::Steady,
        Self::Steady,
        Self::Old,
        Self::Compressed,
        Self::Slow,
        Self::Slow,
        Self::Leaving,
        Self::Leaving,
    ];

    /// Some hundreds of scrapes a second in all; a soak is long, not loud.
    fn pause(self) -> Duration {
        match self {
            Self::Steady | Self::Old | Self::Compressed | Self::Slow => Duration::from_millis(5),
            Self::Leaving => Duration::from_millis(20),
        }
    }

    /// Scrapes one selector after the other.
    pub(crate) fn scrape_until(
        self,
        done: &AtomicBool,
        address: &str,
        selectors: &[String],
        mut random: Rng,
        tally: &Tally,
    ) {
        let agent = exporter::agent();
        while !done.load(Ordering::Relaxed) {
            let name = random.choice(selectors).expect("a selector");
            let outcome = match self {
                Self::Steady => steady(&agent, address, name),
                Self::Old => outcome(ask(address, name, Request::Old).and_then(take)),
                Self::Compressed => outcome(ask(address, name, Request::Compressed).and_then(take)),
                Self::Slow => outcome(ask(address, name, Request::Plain).and_then(|it| sip(&it))),
                Self::Leaving => leave(address, name, &mut random),
            };
            if let Outcome::Wrong(why) = &outcome {
                println!("wrong: {name}, asked by {self:?}: {why}");
            }
            tally.count(&outcome);
            park_timeout(self.pause());
        }
    }
}

fn outcome(answer: io::Result<Answer>) -> Outcome {
    match answer {
        Ok(answer) => Outcome::of(answer.status, &answer.body),
        Err(error) => wrong(&error),
    }
}

fn wrong(error: &dyn Error) -> Outcome {
    Outcome::Wrong(error.to_string())
}

fn steady(agent: &ureq::Agent, address: &str, name: &str) -> Outcome {
    let url = format!("http://{address}/bridge?selector={name}");
    let request = agent.get(url).config().http_status_as_error(false).build();
    let mut response = match request.call() {
        Ok(response) => response,
        Err(error) => return wrong(&error),
    };
    let status = response.status().as_u16();
    match response.body_mut().read_to_vec() {
        Ok(body) => Outcome::of(status, &body),
        Err(error) => wrong(&error),
    }
}

/// Leaves before the answer, or with most of it unread.
fn leave(address: &str, name: &str, random: &mut Rng) -> Outcome {
    let asked = ask(address, name, Request::Plain).and_then(|mut stream| {
        park_timeout(Duration::from_millis(random.u64(..40)));
        match random.bool() {
            true => stream.read(&mut [0; 100]).map(drop),
            false => Ok(()),
        }
    });
    asked.map_or_else(|error| wrong(&error), |()| Outcome::Left)
}
