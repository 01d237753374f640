//! The orders, and what happens where one is met.
//!
//! Each is met once, at the next passage of its place. What is stuck blocks its
//! thread, as code does that never returns, until it is released.

use super::{FaultAction, FaultPoint};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// How an actor may fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It panics.
    Panic,
    /// It stops; only where it has a say in that.
    Stop,
    /// It does not return.
    Stuck,
}

/// The failures ordered of one actor, shared with whoever orders them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults(Arc<Orders>);

#[derive(Debug, Default)]
struct Orders {
    changing: Mutex<Changing>,
    released: Condvar,
}

#[derive(Debug, Default)]
struct Changing {
    ordered: Vec<(FaultPoint, Fault)>,
    releases: u64,
    stuck: usize,
}

impl Faults {
    fn changing(&self) -> MutexGuard<'_, Changing> {
        let changing = self.0.changing.lock();
        changing.unwrap_or_else(PoisonError::into_inner)
    }

    /// Fails here, if that was ordered.
    #[expect(clippy::panic, reason = "that is the order")]
    pub(crate) fn inject(&self, place: FaultPoint) -> FaultAction {
        let mut changing = self.changing();
        let met = |(known, _): &(FaultPoint, Fault)| *known == place;
        let Some(index) = changing.ordered.iter().position(met) else {
            return FaultAction::Continue;
        };
        let (_, fault) = changing.ordered.remove(index);
        match fault {
            Fault::Panic => {
                drop(changing);
                panic!("injected fault at {place:?}")
            }
            Fault::Stop => FaultAction::Stop,
            Fault::Stuck => {
                let before = changing.releases;
                changing.stuck += 1;
                let held = |changing: &mut Changing| changing.releases == before;
                let released = self.0.released.wait_while(changing, held);
                released.unwrap_or_else(PoisonError::into_inner).stuck -= 1;
                FaultAction::Continue
            }
        }
    }

    /// Orders a failure at the next passage of a place.
    pub(crate) fn schedule(&self, fault: Fault, place: FaultPoint) {
        self.changing().ordered.push((place, fault));
    }

    /// Takes back what was ordered and has not happened, and releases whatever is stuck.
    pub(crate) fn release(&self) {
        let mut changing = self.changing();
        changing.ordered.clear();
        changing.releases += 1;
        self.0.released.notify_all();
    }

    /// How many are stuck now.
    #[cfg(test)]
    pub(crate) fn stuck(&self) -> usize {
        self.changing().stuck
    }

    /// An order in words: `release`, or a fault and a place such as `panic handler`.
    ///
    /// # Errors
    /// What is wrong with the words.
    #[cfg(feature = "faults")]
    pub(crate) fn parse(&self, words: &str) -> Result<(), String> {
        let (fault, place) = match words.split_once(' ') {
            None if words == "release" => {
                self.release();
                return Ok(());
            }
            None => (words, ""),
            Some(both) => both,
        };
        let fault = match fault {
            "panic" => Fault::Panic,
            "stop" => Fault::Stop,
            "stuck" => Fault::Stuck,
            _ => return Err(format!("{fault:?} is no fault")),
        };
        let place = match place {
            "started" => FaultPoint::Started,
            "restarting" => FaultPoint::Restarting,
            "handler" => FaultPoint::Handler,
            "pull" => FaultPoint::Pull,
            "background" => FaultPoint::Background,
            "read" => FaultPoint::Read,
            "validate" => FaultPoint::Validate,
            _ => return Err(format!("{place:?} is no place")),
        };
        if fault == Fault::Stop
            && matches!(
                place,
                FaultPoint::Pull | FaultPoint::Read | FaultPoint::Validate
            )
        {
            return Err(format!("at {place:?} nothing can stop the actor"));
        }
        self.schedule(fault, place);
        Ok(())
    }
}

/// The rests of actors, no longer than the environment says, if it does: a
/// thousand rests of up to half a minute would be a long test.
#[cfg(feature = "faults")]
pub(crate) fn backoff() -> crate::backoff::Backoff {
    use crate::backoff::ACTOR_BACKOFF;
    tracing::warn!("built for tests: whoever can reach this program can make it fail");
    let longest = std::env::var("LOCAL_EXPORTER_FAULTS_MAX_BACKOFF_MS").ok();
    match longest.and_then(|longest| longest.parse().ok()) {
        Some(longest) => ACTOR_BACKOFF.capped_at(std::time::Duration::from_millis(longest)),
        None => ACTOR_BACKOFF,
    }
}
