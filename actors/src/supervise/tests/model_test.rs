//! Any sequence of what may befall an actor, against a model of what must be seen of it.
//!
//! The model knows the rules of `supervise.rs` and `backoff.rs` and nothing of how
//! they are kept. It is told how long a rest is, which is for chance to choose, and
//! holds that against its bounds. The clock is paused, so that all else is exact.

use super::*;
use proptest::prelude::*;
use std::collections::VecDeque;
use tokio::task::JoinHandle;

const LONGEST: Duration = Duration::from_secs(30);
const QUIET: Duration = Duration::from_secs(60);
/// The clock's resolution: a timer may be as late as this, and whatever is due has happened then.
const TICK: Duration = Duration::from_millis(1);

/// What may befall an actor.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// A message that it answers; one that it never does; one that makes it fail.
    Scrape,
    Hang,
    Fail(Place),
    /// It is to fail that often when it starts, or when its fields are renewed.
    FailStarting(u32),
    FailRestarting(u32),
    /// Time passes: so much, or until the end of a rest.
    Wait(Duration),
    Recover,
}

fn event() -> impl Strategy<Value = Event> {
    let place = prop_oneof![
        Just(Place::Handler),
        Just(Place::Future),
        Just(Place::Timer),
        Just(Place::Stop)
    ];
    let wait = prop::sample::select(vec![5, 79, 500, 31_000, 59_000, 61_000]);
    prop_oneof![
        4 => Just(Event::Scrape),
        1 => Just(Event::Hang),
        4 => place.prop_map(Event::Fail),
        1 => (1..4_u32).prop_map(Event::FailStarting),
        1 => (1..4_u32).prop_map(Event::FailRestarting),
        2 => wait.prop_map(|millis| Event::Wait(Duration::from_millis(millis))),
        4 => Just(Event::Recover),
    ]
}

proptest! {
    #[test]
    fn whatever_befalls_an_actor_it_does_as_the_rules_say(
        events in prop::collection::vec(event(), 1..40),
        chance in any::<u64>(),
    ) {
        // What chance adds to the rests is the same whenever a case is tried again.
        fastrand::seed(chance);
        paused(async move {
            let mut trial = Trial::begin().await;
            for event in events {
                trial.befall(event).await;
                trial.compare();
            }
            trial.shut_down().await;
        });
    }
}

/// A message, as far as the model cares.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Scrape,
    Hang,
    Fail,
}

/// What a caller hears, and when.
type Heard = (Result<u32, MailboxError>, Instant);

/// A message that was sent, and its caller.
struct Sent {
    kind: Kind,
    caller: JoinHandle<Heard>,
}

impl Sent {
    /// Asserts that its caller has heard `result` just at `at`.
    async fn heard(self, result: Result<u32, MailboxError>, at: Instant) {
        assert!(self.caller.is_finished(), "{:?} is not answered", self.kind);
        let (found, when) = self.caller.await.unwrap();
        assert_eq!(found, result, "{:?}", self.kind);
        assert!(when >= at && when <= at + TICK, "{:?} late", when - at);
    }
}

enum Doing {
    Running {
        since: Instant,
    },
    Backoff {
        until: Instant,
        /// Whether it starts afterwards, or tries once more to renew its fields.
        starts: bool,
    },
}

/// An actor, and what the rules say of it.
struct Trial {
    subject: Subject,
    doing: Doing,
    /// Sent while it rested, in order; and taken in but never answered.
    queued: VecDeque<Sent>,
    hanging: Vec<Sent>,
    /// Since the last restart, and since the last quiet spell.
    handled: u32,
    failures: u32,
    restarts: u64,
    starts: usize,
    fail_starting: u32,
    fail_restarting: u32,
}

impl Trial {
    async fn begin() -> Self {
        let subject = subject();
        let since = Instant::now();
        sleep(TICK).await;
        Self {
            subject,
            doing: Doing::Running { since },
            queued: VecDeque::new(),
            hanging: Vec::new(),
            handled: 0,
            failures: 0,
            restarts: 0,
            starts: 1,
            fail_starting: 0,
            fail_restarting: 0,
        }
    }

    async fn befall(&mut self, event: Event) {
        match event {
            Event::Scrape => self.send(Kind::Scrape, Place::Handler).await,
            Event::Hang => self.send(Kind::Hang, Place::Handler).await,
            Event::Fail(place) => self.send(Kind::Fail, place).await,
            Event::FailStarting(times) => {
                self.fail_starting = times;
                self.subject.plan.lock().unwrap().fail_in_started = times;
            }
            Event::FailRestarting(times) => {
                self.fail_restarting = times;
                self.subject.plan.lock().unwrap().fail_in_restarting = times;
            }
            Event::Wait(duration) => self.wait(Instant::now() + duration).await,
            Event::Recover => {
                while let Doing::Backoff { until, .. } = self.doing {
                    self.wait(until).await;
                }
            }
        }
    }

    async fn send(&mut self, kind: Kind, place: Place) {
        let address = self.subject.address.clone();
        let at = Instant::now();
        let resting = matches!(self.doing, Doing::Backoff { .. });
        // Behind other messages, only a handler fails before the next one is taken in.
        let place = if resting { Place::Handler } else { place };
        let caller = actix_rt::spawn(async move {
            let result = match kind {
                Kind::Scrape => address.send(Count).await,
                Kind::Hang => address.send(Hang).await.map(|()| 0),
                Kind::Fail => address.send(Fail(place)).await.map(|()| 0),
            };
            (result, Instant::now())
        });
        self.queued.push_back(Sent { kind, caller });
        if resting {
            self.wait(at + TICK).await;
        } else {
            sleep(TICK).await;
            self.take_in(at).await;
        }
    }

    /// The messages that wait are taken in, up to one that makes it fail.
    async fn take_in(&mut self, at: Instant) {
        while let Some(sent) = self.queued.pop_front() {
            match sent.kind {
                Kind::Scrape => {
                    self.handled += 1;
                    sent.heard(Ok(self.handled), at).await;
                }
                Kind::Hang => self.hanging.push(sent),
                Kind::Fail => {
                    sent.heard(Err(MailboxError::Closed), at).await;
                    return self.fail(at).await;
                }
            }
        }
    }

    /// Time passes, from one end of a rest to the next.
    async fn wait(&mut self, end: Instant) {
        while let Doing::Backoff { until, starts } = self.doing
            && until <= end
        {
            sleep_until(until).await;
            let at = Instant::now();
            sleep(TICK).await;
            if !starts {
                self.fail(at).await;
                continue;
            }
            self.starts += 1;
            self.doing = Doing::Running { since: at };
            if self.fail_starting > 0 {
                self.fail_starting -= 1;
                self.fail(at).await;
            } else {
                self.take_in(at).await;
            }
        }
        sleep_until(end).await;
    }

    /// It failed at `at`: whoever waited hears of it, and it rests within the bounds.
    async fn fail(&mut self, at: Instant) {
        let ran = match self.doing {
            Doing::Running { since } => at - since,
            Doing::Backoff { .. } => Duration::ZERO,
        };
        if ran >= QUIET {
            self.failures = 0;
        }
        let nominal = FIRST * 2_u32.saturating_pow(self.failures.min(20));
        self.failures += 1;
        self.restarts += 1;
        for sent in self.hanging.drain(..) {
            sent.heard(Err(MailboxError::Closed), at).await;
        }
        let rest = self.subject.status.snapshot().backoff_for;
        let until = Instant::now() + rest.expect("it rests");
        assert_rest(until - at, nominal.min(LONGEST));
        let starts = self.fail_restarting == 0;
        self.fail_restarting = self.fail_restarting.saturating_sub(1);
        // A renewal that fails has not begun to count anew, but the next one does.
        self.handled = 0;
        self.doing = Doing::Backoff { until, starts };
    }

    /// All that can be seen of it without sending it anything.
    fn compare(&self) {
        let snapshot = self.subject.status.snapshot();
        assert_eq!(snapshot.restarts, self.restarts);
        assert_eq!(self.subject.starts().len(), self.starts);
        let waiting = self.queued.iter().chain(&self.hanging);
        for sent in waiting {
            assert!(!sent.caller.is_finished(), "{:?} is answered", sent.kind);
        }
        let admitted = self.subject.status.admit().map(drop);
        match self.doing {
            Doing::Running { .. } => {
                assert_eq!(snapshot.state, State::Running);
                assert_eq!((admitted, snapshot.backoff_for), (Ok(()), None));
            }
            Doing::Backoff { until, .. } => {
                let left = Some(until - Instant::now());
                assert_eq!(
                    (snapshot.state, snapshot.backoff_for),
                    (State::Backoff, left)
                );
                let refused = admitted.unwrap_err();
                assert_eq!(
                    (refused.reason, refused.retry_after),
                    (crate::Reason::Backoff, left)
                );
            }
        }
    }

    /// Its end, which nobody waits for longer than for the end of a rest.
    async fn shut_down(mut self) {
        self.subject.shutdown.request();
        let stop = self.subject.address.clone();
        let stopped = actix_rt::spawn(async move { stop.send(Fail(Place::Stop)).await });
        if let Doing::Backoff { until, .. } = self.doing {
            sleep_until(until).await;
        }
        // A renewal that fails and one that is owed may make it rest again.
        let most = LONGEST * (self.fail_restarting + 1);
        sleep(most).await;
        assert!(self.subject.task.is_finished());
        assert_eq!(self.subject.status.snapshot().state, State::Stopped);
        assert_eq!(stopped.await.unwrap(), Err(MailboxError::Closed));
        for sent in self.queued.drain(..).chain(self.hanging.drain(..)) {
            assert!(sent.caller.is_finished(), "{:?} waits for ever", sent.kind);
        }
    }
}
