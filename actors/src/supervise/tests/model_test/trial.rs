//! An actor, its model, and the comparison of both.

use super::Event;
use crate::report::State;
use crate::supervise::tests::subject::{Count, Fail, Hang, Point, Subject, subject};
use crate::supervise::tests::{FIRST, assert_delay};
use actix::MailboxError;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};

const LONGEST: Duration = Duration::from_secs(30);
const QUIET: Duration = Duration::from_secs(60);
/// The resolution of timers. After this time everything that is due has happened.
const TICK: Duration = Duration::from_millis(1);

/// A message, as far as the model distinguishes them.
#[derive(Clone, Copy, Debug)]
enum MessageKind {
    Scrape,
    Hang,
    Fail,
}

/// The result that a caller gets, and when.
type Received = (Result<u32, MailboxError>, Instant);

/// A message that was sent, and its caller.
struct Sent {
    kind: MessageKind,
    caller: JoinHandle<Received>,
}

impl Sent {
    /// Asserts that its caller received `result` at `at`.
    async fn received(self, result: Result<u32, MailboxError>, at: Instant) {
        assert!(self.caller.is_finished(), "{:?} has no result", self.kind);
        let (found, when) = self.caller.await.unwrap();
        assert_eq!(found, result, "{:?}", self.kind);
        assert!(when >= at && when <= at + TICK, "{:?} late", when - at);
    }
}

enum Phase {
    Running {
        since: Instant,
    },
    Backoff {
        until: Instant,
        /// Whether the actor starts afterwards, or its fields must be reset first.
        starts: bool,
    },
}

/// An actor and its model.
pub(super) struct Trial {
    subject: Subject,
    phase: Phase,
    /// Messages in the mailbox, in order.
    queued: VecDeque<Sent>,
    /// Messages that were handled but do not complete.
    hanging: Vec<Sent>,
    /// Messages handled since the last restart.
    handled: u32,
    /// Failures since the last quiet period.
    failures: u32,
    restarts: u64,
    starts: usize,
    fail_starting: u32,
    fail_restarting: u32,
}

impl Trial {
    pub(super) async fn begin() -> Self {
        let subject = subject();
        let since = Instant::now();
        sleep(TICK).await;
        Self {
            subject,
            phase: Phase::Running { since },
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

    /// Applies an event to the actor and to the model.
    pub(super) async fn apply(&mut self, event: Event) {
        match event {
            Event::Scrape => self.send(MessageKind::Scrape, Point::Handler).await,
            Event::Hang => self.send(MessageKind::Hang, Point::Handler).await,
            Event::Fail(point) => self.send(MessageKind::Fail, point).await,
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
                while let Phase::Backoff { until, .. } = self.phase {
                    self.wait(until).await;
                }
            }
        }
    }

    async fn send(&mut self, kind: MessageKind, point: Point) {
        let address = self.subject.address.clone();
        let at = Instant::now();
        let backing_off = matches!(self.phase, Phase::Backoff { .. });
        // With other messages in the mailbox, only a handler fails before the next is handled.
        let point = if backing_off { Point::Handler } else { point };
        let caller = actix_rt::spawn(async move {
            let result = match kind {
                MessageKind::Scrape => address.send(Count).await,
                MessageKind::Hang => address.send(Hang).await.map(|()| 0),
                MessageKind::Fail => address.send(Fail(point)).await.map(|()| 0),
            };
            (result, Instant::now())
        });
        self.queued.push_back(Sent { kind, caller });
        if backing_off {
            self.wait(at + TICK).await;
        } else {
            sleep(TICK).await;
            self.handle_queued(at).await;
        }
    }

    /// The queued messages are handled, up to one that makes the actor fail.
    async fn handle_queued(&mut self, at: Instant) {
        while let Some(sent) = self.queued.pop_front() {
            match sent.kind {
                MessageKind::Scrape => {
                    self.handled += 1;
                    sent.received(Ok(self.handled), at).await;
                }
                MessageKind::Hang => self.hanging.push(sent),
                MessageKind::Fail => {
                    sent.received(Err(MailboxError::Closed), at).await;
                    return self.fail(at).await;
                }
            }
        }
    }

    /// Time passes until `end`, with the end of every back-off on the way.
    async fn wait(&mut self, end: Instant) {
        while let Phase::Backoff { until, starts } = self.phase
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
            self.phase = Phase::Running { since: at };
            if self.fail_starting > 0 {
                self.fail_starting -= 1;
                self.fail(at).await;
            } else {
                self.handle_queued(at).await;
            }
        }
        sleep_until(end).await;
    }

    /// The actor failed at `at`: waiting callers are freed, and the back-off is within limits.
    async fn fail(&mut self, at: Instant) {
        let ran = match self.phase {
            Phase::Running { since } => at - since,
            Phase::Backoff { .. } => Duration::ZERO,
        };
        if ran >= QUIET {
            self.failures = 0;
        }
        let nominal = FIRST * 2_u32.saturating_pow(self.failures.min(20));
        self.failures += 1;
        self.restarts += 1;
        for sent in self.hanging.drain(..) {
            sent.received(Err(MailboxError::Closed), at).await;
        }
        let delay = self.subject.status.snapshot().backoff_for;
        let until = Instant::now() + delay.expect("the actor is in back-off");
        assert_delay(until - at, nominal.min(LONGEST));
        let starts = self.fail_restarting == 0;
        self.fail_restarting = self.fail_restarting.saturating_sub(1);
        // A failed reset has not reset the fields, but no message is handled before the next.
        self.handled = 0;
        self.phase = Phase::Backoff { until, starts };
    }

    /// Compares everything that is observable without sending a message.
    pub(super) fn compare(&self) {
        let snapshot = self.subject.status.snapshot();
        assert_eq!(snapshot.restarts, self.restarts);
        assert_eq!(self.subject.starts().len(), self.starts);
        for sent in self.queued.iter().chain(&self.hanging) {
            assert!(!sent.caller.is_finished(), "{:?} has a result", sent.kind);
        }
        let admitted = self.subject.status.admit().map(drop);
        match self.phase {
            Phase::Running { .. } => {
                assert_eq!(snapshot.state, State::Running);
                assert_eq!((admitted, snapshot.backoff_for), (Ok(()), None));
            }
            Phase::Backoff { until, .. } => {
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

    /// Shuts the actor down, which takes no longer than its back-off.
    pub(super) async fn shut_down(mut self) {
        self.subject.shutdown.request();
        let stop = self.subject.address.clone();
        let stopped = actix_rt::spawn(async move { stop.send(Fail(Point::Stop)).await });
        if let Phase::Backoff { until, .. } = self.phase {
            sleep_until(until).await;
        }
        // Each failed reset causes one more back-off.
        let most = LONGEST * (self.fail_restarting + 1);
        sleep(most).await;
        assert!(self.subject.task.is_finished());
        assert_eq!(self.subject.status.snapshot().state, State::Stopped);
        assert_eq!(stopped.await.unwrap(), Err(MailboxError::Closed));
        for sent in self.queued.drain(..).chain(self.hanging.drain(..)) {
            assert!(sent.caller.is_finished(), "{:?} waits forever", sent.kind);
        }
    }
}
