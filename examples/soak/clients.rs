//! The clients, and how they behave.

use crate::exchange::{Request, Response, ask, ask_page, read_slowly, read_whole};
use crate::exporter;
use crate::tally::{Outcome, Tally};
use fastrand::Rng;
use std::error::Error;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::park_timeout;
use std::time::Duration;

/// The scrapes of a crowd: more than a selector accepts by default.
const AT_ONCE: usize = 80;

/// How a client behaves.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ClientKind {
    /// One scrape after the other on one connection.
    Steady,
    /// HTTP/1.0: a connection for each scrape.
    Http10,
    /// Accepts compression, like Prometheus.
    Compressed,
    /// Reads as slowly as it can.
    Slow,
    /// Disconnects in the middle of a scrape.
    Disconnecting,
    /// Requests one of the pages, and reads little of it for a while.
    Unread,
    /// Begins many scrapes of one selector at once, and leaves.
    Crowd,
}

impl ClientKind {
    /// One for each client.
    pub(crate) const ALL: [Self; 13] = [
        Self::Steady,
        Self::Steady,
        Self::Steady,
        Self::Steady,
        Self::Http10,
        Self::Compressed,
        Self::Slow,
        Self::Slow,
        Self::Disconnecting,
        Self::Disconnecting,
        Self::Unread,
        Self::Unread,
        Self::Crowd,
    ];

    /// A few hundred scrapes per second in total: a soak takes long and needs no high rate.
    fn pause(self) -> Duration {
        match self {
            Self::Steady | Self::Http10 | Self::Compressed | Self::Slow => Duration::from_millis(5),
            Self::Disconnecting | Self::Unread | Self::Crowd => Duration::from_millis(20),
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
                Self::Http10 => outcome(ask(address, name, Request::Http10).and_then(read_whole)),
                Self::Compressed => {
                    outcome(ask(address, name, Request::Compressed).and_then(read_whole))
                }
                Self::Slow => {
                    outcome(ask(address, name, Request::Plain).and_then(|it| read_slowly(&it)))
                }
                Self::Disconnecting => leave(address, name, &mut random),
                Self::Unread => leave_unread(address, name, &mut random),
                Self::Crowd => crowd(address, name, &mut random),
            };
            if let Outcome::Wrong(why) = &outcome {
                println!("wrong response: selector {name}, client {self:?}: {why}");
            }
            tally.count(&outcome);
            park_timeout(self.pause());
        }
    }
}

fn outcome(response: io::Result<Response>) -> Outcome {
    match response {
        Ok(response) => Outcome::of(response.status, &response.body),
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

/// Disconnects before the response, or with most of it unread.
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

/// Reads the begin of a page, and disconnects after a while.
fn leave_unread(address: &str, name: &str, random: &mut Rng) -> Outcome {
    let debug = format!("/bridge?selector={name}&debug=true");
    let pages = ["/metrics", "/debug/actors", "/config", "/sd", "/", &debug];
    let page = random.choice(pages).expect("a page");
    let asked = ask_page(address, page, Request::Plain).and_then(|mut stream| {
        stream.read_exact(&mut [0; 100])?;
        park_timeout(Duration::from_millis(random.u64(..2000)));
        Ok(())
    });
    asked.map_or_else(|error| wrong(&error), |()| Outcome::Left)
}

/// Leaves many scrapes at the same time.
fn crowd(address: &str, name: &str, random: &mut Rng) -> Outcome {
    let scrapes: io::Result<Vec<_>> = (0..AT_ONCE)
        .map(|_| ask(address, name, Request::Plain))
        .collect();
    park_timeout(Duration::from_millis(random.u64(..600)));
    scrapes.map_or_else(|error| wrong(&error), |_| Outcome::Left)
}
