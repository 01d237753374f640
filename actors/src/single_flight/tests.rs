//! How scrapes share a pull, with the clock paused and a source that counts.

use super::*;
use crate::admission::GlobalLimit;
use crate::metrics::Metrics;
use crate::paused::paused;
use crate::validator::Validator;
use local_exporter_config::BodyPolicy;
use std::cell::Cell;
use std::time::Duration;
use tokio::time::sleep;

/// Answers after a while; counts the pulls begun, dropped and under way.
struct Slow {
    takes: Cell<Duration>,
    begun: Cell<u32>,
    under_way: Rc<Cell<u32>>,
}

struct UnderWay(Rc<Cell<u32>>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl Source for Slow {
    fn pull(self: Rc<Self>) -> LocalBoxFuture<'static, ScrapeResult> {
        self.begun.set(self.begun.get() + 1);
        self.under_way.set(self.under_way.get() + 1);
        let under_way = UnderWay(Rc::clone(&self.under_way));
        let number = self.begun.get();
        Box::pin(async move {
            sleep(self.takes.get()).await;
            drop(under_way);
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
        begun: Cell::default(),
        under_way: Rc::default(),
    });
    let surroundings = SourceContext {
        watches: crate::source::Watches::start().unwrap(),
        status,
        faults: Faults::default(),
    };
    let single_flight = SingleFlight::new(source.clone(), "slow".into(), limits, &surroundings);
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

fn reason(answer: &ScrapeResult) -> Option<Reason> {
    answer.as_ref().err().map(|error| error.reason)
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
        assert_eq!((source.begun.get(), source.under_way.get()), (2, 0));
    });
}

#[test]
fn an_impatient_scrape_leaves_and_the_others_stay() {
    paused(async {
        let (single_flight, source) = single_flight(SECOND);
        let impatient = scrape(&single_flight, SECOND / 2);
        let patient = scrape(&single_flight, LONGEST);
        let began = Instant::now();
        assert_eq!(reason(&impatient.await.unwrap()), Some(Reason::Timeout));
        assert!(began.elapsed() < SECOND * 6 / 10);
        let told = single_flight.status.snapshot().last_error;
        assert!(told.is_none(), "the source may still answer: {told:?}");
        assert_eq!(patient.await.unwrap().unwrap().body, "pull 1\n");
        assert_eq!(source.begun.get(), 1);
    });
}

#[test]
fn a_pull_nobody_waits_for_is_dropped_at_once() {
    paused(async {
        let (single_flight, source) = single_flight(SECOND * 60);
        let answer = scrape(&single_flight, SECOND / 2).await.unwrap();
        assert_eq!(reason(&answer), Some(Reason::Timeout));
        assert_eq!(source.under_way.get(), 0);
        let told = single_flight
            .status
            .snapshot()
            .last_error
            .map(|error| error.reason);
        assert_eq!(told, Some(Reason::Timeout));
    });
}

#[test]
fn who_joined_a_pull_that_runs_out_of_time_gets_one_of_its_own() {
    paused(async {
        let (single_flight, source) = single_flight(SECOND * 60);
        let first = scrape(&single_flight, LONGEST);
        sleep(LONGEST - SECOND / 2).await;
        // The source comes back; the pull that hangs does not know.
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
        let answer = scrape(&single_flight, SECOND * 30).await.unwrap();
        assert_eq!(reason(&answer), Some(Reason::Timeout));
        assert!(began.elapsed() <= LONGEST + SECOND / 10);
        assert_eq!((source.begun.get(), source.under_way.get()), (1, 0));
    });
}

#[test]
fn a_younger_answer_than_the_interval_is_given_again_and_an_older_one_never() {
    paused(async {
        let (single_flight, source) = single_flight_with(SECOND, SECOND * 5);
        assert!(single_flight.cached().is_none());
        let first = scrape(&single_flight, LONGEST).await.unwrap().unwrap();
        assert_eq!(first.cached_at, None, "the first is fresh");
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
        assert_eq!(source.begun.get(), 2);
    });
}
