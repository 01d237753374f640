//! Scheduled faults, and their injection.
//!
//! A fault is injected once, when the actor next reaches its point. A stuck actor blocks its
//! thread, like code that does not return, until it is released.

use super::point::{FaultAction, FaultPoint};
use crate::lock::lock;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// How an actor fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It panics.
    Panic,
    /// It stops; only at points where the actor can stop itself.
    Stop,
    /// It blocks its thread.
    Stuck,
}

/// The faults of one actor. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults(Arc<FaultState>);

#[derive(Debug, Default)]
struct FaultState {
    schedule: Mutex<Schedule>,
    released: Condvar,
}

#[derive(Debug, Default)]
struct Schedule {
    faults: Vec<(FaultPoint, Fault)>,
    /// Number of releases so far.
    releases: u64,
    /// Number of threads that are stuck now.
    stuck: usize,
}

impl Faults {
    /// Injects the fault that is scheduled at this point, if any.
    #[expect(clippy::panic, reason = "the fault is a panic")]
    pub(crate) fn inject(&self, point: FaultPoint) -> FaultAction {
        let mut schedule = lock(&self.0.schedule);
        let here = |(scheduled, _): &(FaultPoint, Fault)| *scheduled == point;
        let Some(index) = schedule.faults.iter().position(here) else {
            return FaultAction::Continue;
        };
        let (_, fault) = schedule.faults.remove(index);
        match fault {
            Fault::Panic => {
                drop(schedule);
                panic!("injected fault at {point:?}")
            }
            Fault::Stop => FaultAction::Stop,
            Fault::Stuck => {
                let before = schedule.releases;
                schedule.stuck += 1;
                let stuck = |schedule: &mut Schedule| schedule.releases == before;
                let released = self.0.released.wait_while(schedule, stuck);
                released.unwrap_or_else(PoisonError::into_inner).stuck -= 1;
                FaultAction::Continue
            }
        }
    }

    /// Schedules a fault for the next time the actor reaches a point.
    pub(crate) fn schedule(&self, fault: Fault, point: FaultPoint) {
        lock(&self.0.schedule).faults.push((point, fault));
    }

    /// Cancels the scheduled faults and releases stuck threads.
    pub(crate) fn release(&self) {
        let mut schedule = lock(&self.0.schedule);
        schedule.faults.clear();
        schedule.releases += 1;
        self.0.released.notify_all();
    }

    /// Number of threads that are stuck now.
    #[cfg(test)]
    pub(crate) fn stuck(&self) -> usize {
        lock(&self.0.schedule).stuck
    }

    /// Parses and executes a command: `release`, or a fault and a point such as
    /// `panic handler`.
    ///
    /// # Errors
    /// If the command is invalid; the message names the invalid word.
    #[cfg(feature = "faults")]
    pub(crate) fn execute(&self, command: &str) -> Result<(), String> {
        if command == "release" {
            self.release();
            return Ok(());
        }
        let (fault, point) = parse(command)?;
        self.schedule(fault, point);
        Ok(())
    }
}

#[cfg(feature = "faults")]
fn parse(command: &str) -> Result<(Fault, FaultPoint), String> {
    let (fault, point) = command.split_once(' ').unwrap_or((command, ""));
    let fault = match fault {
        "panic" => Fault::Panic,
        "stop" => Fault::Stop,
        "stuck" => Fault::Stuck,
        _ => return Err(format!("unknown fault {fault:?}")),
    };
    let point = match point {
        "started" => FaultPoint::Started,
        "restarting" => FaultPoint::Restarting,
        "handler" => FaultPoint::Handler,
        "pull" => FaultPoint::Pull,
        "background" => FaultPoint::Background,
        "read" => FaultPoint::Read,
        "validate" => FaultPoint::Validate,
        _ => return Err(format!("unknown fault point {point:?}")),
    };
    let cannot_stop = matches!(
        point,
        FaultPoint::Pull | FaultPoint::Read | FaultPoint::Validate
    );
    if fault == Fault::Stop && cannot_stop {
        return Err(format!("an actor cannot stop at {point:?}"));
    }
    Ok((fault, point))
}

/// The back-off of actors, with the maximum from the environment if it is set: a thousand
/// restarts with delays of up to 30 s would take too long in a test.
#[cfg(feature = "faults")]
pub(crate) fn backoff() -> crate::backoff::Backoff {
    use crate::backoff::ACTOR_BACKOFF;
    tracing::warn!("built with fault injection, for tests only");
    let longest = std::env::var("LOCAL_EXPORTER_FAULTS_MAX_BACKOFF_MS").ok();
    match longest.and_then(|longest| longest.parse().ok()) {
        Some(longest) => ACTOR_BACKOFF.capped_at(std::time::Duration::from_millis(longest)),
        None => ACTOR_BACKOFF,
    }
}
