//! Each guarantee of the supervisor, with a paused clock: time advances only when no task can
//! make progress, so the delays are exact and the tests do not wait.

mod model_test;
mod subject;

use crate::paused::paused;
use crate::report::State;
use actix::MailboxError;
use std::time::Duration;
use subject::{Count, Fail, Hang, Plan, Point, subject, subject_with};
use tokio::time::{Instant, sleep};

/// Asserts that a delay is the nominal one, less a jitter of at most a fifth. Timers have a
/// resolution of milliseconds.
fn assert_delay(delay: Duration, nominal: Duration) {
    let tick = Duration::from_millis(2);
    assert!(delay <= nominal + tick, "{delay:?} is over {nominal:?}");
    assert!(
        delay >= nominal.mul_f64(0.8) - tick,
        "{delay:?} is far under {nominal:?}"
    );
}

const FIRST: Duration = Duration::from_millis(100);

#[test]
fn every_failure_restarts_the_actor_with_reset_fields_behind_the_same_address() {
    for point in [Point::Handler, Point::Future, Point::Timer, Point::Stop] {
        paused(async move {
            let subject = subject();
            assert_eq!(subject.address.send(Count).await, Ok(1));
            assert_eq!(subject.address.send(Count).await, Ok(2));
            subject.fail(point).await;
            assert_eq!(subject.address.send(Count).await, Ok(1), "{point:?}");
            let snapshot = subject.status.snapshot();
            assert_eq!((snapshot.state, snapshot.restarts), (State::Running, 1));
            assert_delay(subject.gaps()[0], FIRST);
        });
    }
}

#[test]
fn a_panic_in_started_backs_off_longer_each_time() {
    paused(async {
        let subject = subject();
        subject.fail(Point::Started).await;
        assert_eq!(subject.address.send(Count).await, Ok(1));
        let gaps = subject.gaps();
        assert_eq!(gaps.len(), 3);
        for (index, gap) in gaps.iter().enumerate() {
            assert_delay(*gap, FIRST * 2_u32.pow(u32::try_from(index).unwrap()));
        }
        assert_eq!(subject.status.snapshot().restarts, 3);
    });
}

#[test]
fn a_panic_in_restarting_backs_off_again_and_recovers() {
    paused(async {
        let subject = subject();
        subject.fail(Point::Restarting).await;
        assert_eq!(subject.address.send(Count).await, Ok(1));
        // restarting() fails twice between the two starts.
        let gaps = subject.gaps();
        assert_eq!(gaps.len(), 1);
        assert_delay(gaps[0], FIRST * 7);
        assert_eq!(subject.status.snapshot().restarts, 3);
    });
}

#[test]
fn a_stop_in_started_does_not_spin() {
    paused(async {
        let subject = subject_with(Plan {
            stop_in_started: true,
            ..Plan::default()
        });
        sleep(Duration::from_secs(120)).await;
        // 0.1 + 0.2 + … + 25.6 s, then one every 30 s at the most and 24 s at the least.
        let starts = subject.starts().len();
        assert!((9..=14).contains(&starts), "{starts} starts in two minutes");
    });
}

#[test]
fn delays_grow_to_the_longest_and_are_reset_after_a_quiet_period() {
    paused(async {
        let subject = subject();
        for _ in 0..11 {
            subject.fail(Point::Handler).await;
            assert_eq!(subject.address.send(Count).await, Ok(1));
        }
        let longest = Duration::from_secs(30);
        for (index, gap) in subject.gaps().iter().enumerate() {
            let doubled = FIRST * 2_u32.pow(u32::try_from(index).unwrap());
            assert_delay(*gap, doubled.min(longest));
        }
        sleep(Duration::from_secs(61)).await;
        let before = Instant::now();
        subject.fail(Point::Handler).await;
        assert_eq!(subject.address.send(Count).await, Ok(1));
        assert_delay(before.elapsed(), FIRST);
    });
}

#[test]
fn waiting_callers_are_freed_immediately_and_not_after_the_back_off() {
    paused(async {
        let subject = subject();
        let pending: Vec<_> = (0..8)
            .map(|_| actix_rt::spawn(subject.address.send(Hang)))
            .collect();
        assert_eq!(subject.address.send(Count).await, Ok(1));
        let before = Instant::now();
        subject.fail(Point::Handler).await;
        for caller in pending {
            assert_eq!(caller.await.unwrap(), Err(MailboxError::Closed));
        }
        assert_eq!(before.elapsed(), Duration::ZERO, "the clock has not moved");
    });
}

#[test]
fn queued_messages_are_kept_and_handled_after_the_back_off() {
    paused(async {
        let subject = subject();
        let poison = actix_rt::spawn(subject.address.send(Fail(Point::Handler)));
        let queued: Vec<_> = (0..5)
            .map(|_| actix_rt::spawn(subject.address.send(Count)))
            .collect();
        assert_eq!(poison.await.unwrap(), Err(MailboxError::Closed));
        let mut results = Vec::new();
        for caller in queued {
            results.push(caller.await.unwrap());
        }
        assert_eq!(results, [Ok(1), Ok(2), Ok(3), Ok(4), Ok(5)]);
        assert_eq!(
            subject.status.snapshot().restarts,
            1,
            "the poisonous message is not handled again"
        );
    });
}

#[test]
fn other_actors_on_the_same_thread_are_not_affected() {
    paused(async {
        let (failing, sibling) = (subject(), subject());
        assert_eq!(sibling.address.send(Count).await, Ok(1));
        let waiting = actix_rt::spawn(sibling.address.send(Hang));
        for point in [Point::Handler, Point::Future, Point::Timer, Point::Started] {
            failing.fail(point).await;
            assert_eq!(failing.address.send(Count).await, Ok(1));
        }
        assert_eq!(sibling.address.send(Count).await, Ok(2));
        assert!(!waiting.is_finished());
        assert_eq!(sibling.starts().len(), 1);
        assert_eq!(sibling.status.snapshot().restarts, 0);
    });
}

#[test]
fn during_the_back_off_scrapes_are_refused_with_the_remaining_time() {
    paused(async {
        let subject = subject();
        assert!(subject.status.admit().is_ok());
        subject.fail(Point::Handler).await;
        let error = subject.status.admit().unwrap_err();
        assert_eq!(error.reason, crate::Reason::Backoff);
        assert!(
            error
                .retry_after
                .is_some_and(|left| left <= FIRST && left > FIRST / 2)
        );
        assert_eq!(subject.address.send(Count).await, Ok(1));
        assert!(subject.status.admit().is_ok());
    });
}

#[test]
fn an_actor_ends_when_shut_down_and_when_its_address_is_dropped() {
    paused(async {
        let stopped = subject();
        assert_eq!(stopped.address.send(Count).await, Ok(1));
        stopped.shutdown.request();
        let _ = stopped.address.send(Fail(Point::Stop)).await;
        stopped.task.await.unwrap();
        assert_eq!(stopped.status.snapshot().state, State::Stopped);

        let unreachable = subject();
        drop(unreachable.address);
        unreachable.task.await.unwrap();
        assert_eq!(unreachable.status.snapshot().state, State::Stopped);
    });
}
