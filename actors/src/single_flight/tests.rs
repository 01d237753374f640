//! How scrapes share a pull, with a paused clock and a source that counts its pulls.

use super::*;
use crate::admission::GlobalLimit;
use crate::metrics::Metrics;
use crate::paused::paused;
use crate::secret_files::SecretFiles;
use crate::validator::Validator;
use local_exporter_config::BodyPolicy;
use std::cell::Cell;
use std::time::Duration;
use tokio::time::sleep;

/// A source that takes a while, and counts the pulls that were started and that are running.
struct Slow {
    takes: Cell<Duration>,
    started: Cell<u32>,
    running: Rc<Cell<u32>>,
}

struct Running(Rc<Cell<u32>>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl Source for Slow {
    fn pull(self: Rc<Self>) -> LocalBoxFuture<'static, ScrapeResult> {
        self.started.set(self.started.get() + 1);
        self.running.set(self.running.get() + 1);
        let running = Running(Rc::clone(&self.running));
        let number = self.started.get();
        Box::pin(async move {
            sleep(self.takes.get()).await;
            drop(running);
            Validator::new(BodyPolicy::default())
                .validate_now(format!("pull {number}\n").into(), "slow")
        })
    }
}

const LONGEST: Duration = Duration::from_secs(3);

fn single_flight(takes: Duration) -> (Rc<SingleFlight>, Rc<Slow>) {
    single_flight_with(takes, Duration::ZERO)
}

fn single_flight_with(takes: Duration, min_interval: Duration) -> (Rc<SingleFlight>, Rc<Slow>) {
    let limits = Limits {
        timeout: LONGEST,
        max_bytes: 1000,
        max_in_flight: 16,
        refresh: LONGEST,
        min_interval,
    };
    let metrics = Metrics::register(&prometheus::Registry::new()).unwrap();
    let status = Arc::new(Status::new(
        metrics.selector("s"),
        16,
        GlobalLimit::unlimited(),
    ));
    let source = Rc::new(Slow {
        takes: Cell::new(takes),
        started: Cell::default(),
        running: Rc::default(),
    });
    let context = SourceContext {
        secret_files: SecretFiles::new(crate::blocking::BlockingPool::start().unwrap()),
        watches: crate::source::Watches::start().unwrap(),
        blocking: crate::blocking::BlockingPool::start().unwrap(),
        status,
        shared: crate::shared::SharedValues::default(),
        shared_by_thread: crate::shared::SharedValues::default(),
        faults: Faults::default(),
    };
    let single_flight = SingleFlight::new(source.clone(), "slow".into(), limits, &context);
    (Rc::new(single_flight), source)
}

fn scrape(
    single_flight: &Rc<SingleFlight>,
    within: Duration,
) -> tokio::task::JoinHandle<ScrapeResult> {
    let single_flight = Rc::clone(single_flight);
    let deadline = Instant::now() + within;
    tokio::task::spawn_local(async move { single_flight.scrape(deadline).await })
}

fn reason(result: &ScrapeResult) -> Option<Reason> {
    result.as_ref().err().map(|error| error.reason)
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn scrapes_that_overlap_share_a_pull_and_later_ones_do_not() {
    paused(async {
        let (single_flight, source) = single_flight(SECOND);
        let together: Vec<_> = (0..16).map(|_| scrape(&single_flight, LONGEST)).collect();
        for scrape in together {
            assert_eq!(scrape.await.unwrap().unwrap().body, "pull 1\n");
        }
        assert_eq!(
            scrape(&single_flight, LONGEST).await.unwrap().unwrap().body,
            "pull 2\n"
        );
        assert_eq!((source.started.get(), source.running.get()), (2, 0));
    });
}

#[test]
fn a_scrape_with_an_early_deadline_leaves_and_the_others_stay() {
    paused(async {
        let (single_flight, source) = single_flight(SECOND);
        let early = scrape(&single_flight, SECOND / 2);
        let late = scrape(&single_flight, LONGEST);
        let began = Instant::now();
        assert_eq!(reason(&early.await.unwrap()), Some(Reason::Timeout));
        assert!(began.elapsed() < SECOND * 6 / 10);
        let last_error = single_flight.status.snapshot().last_error;
        assert!(
            last_error.is_none(),
            "the pull may still succeed: {last_error:?}"
        );
        assert_eq!(late.await.unwrap().unwrap().body, "pull 1\n");
        assert_eq!(source.started.get(), 1);
    });
}

#[test]
fn a_pull_without_waiting_scrapes_is_dropped_immediately() {
    paused(async {
        let (single_flight, source) = single_flight(SECOND * 60);
        let result = scrape(&single_flight, SECOND / 2).await.unwrap();
        assert_eq!(reason(&result), Some(Reason::Timeout));
        assert_eq!(source.running.get(), 0);
        let last_error = single_flight
            .status
            .snapshot()
            .last_error
            .map(|error| error.reason);
        assert_eq!(last_error, Some(Reason::Timeout));
    });
}

#[test]
fn a_scrape_that_joined_a_pull_which_times_out_starts_its_own() {
    paused(async {
        let (single_flight, source) = single_flight(SECOND * 60);
        let first = scrape(&single_flight, LONGEST);
        sleep(LONGEST - SECOND / 2).await;
        // The source recovers; the pull that hangs does not notice.
        source.takes.set(SECOND);
        let second = scrape(&single_flight, LONGEST);
        assert_eq!(reason(&first.await.unwrap()), Some(Reason::Timeout));
        assert_eq!(second.await.unwrap().unwrap().body, "pull 2\n");
    });
}

#[test]
fn no_pull_outlives_the_selectors_timeout() {
    paused(async {
        let (single_flight, source) = single_flight(SECOND * 60);
        let began = Instant::now();
        let result = scrape(&single_flight, SECOND * 30).await.unwrap();
        assert_eq!(reason(&result), Some(Reason::Timeout));
        assert!(began.elapsed() <= LONGEST + SECOND / 10);
        assert_eq!((source.started.get(), source.running.get()), (1, 0));
    });
}

#[test]
fn a_body_is_served_again_only_within_min_interval() {
    paused(async {
        let (single_flight, source) = single_flight_with(SECOND, SECOND * 5);
        assert!(single_flight.cached().is_none());
        let first = scrape(&single_flight, LONGEST).await.unwrap().unwrap();
        assert_eq!(first.cached_at, None, "the first is not cached");
        sleep(SECOND * 4).await;
        let again = single_flight.cached().unwrap().unwrap();
        assert_eq!(again.body, "pull 1\n");
        assert_eq!(again.cached_at.unwrap().elapsed().as_secs(), 4);
        sleep(SECOND).await;
        assert!(single_flight.cached().is_none());
        assert_eq!(
            scrape(&single_flight, LONGEST).await.unwrap().unwrap().body,
            "pull 2\n"
        );
        assert_eq!(source.started.get(), 2);
    });
}
