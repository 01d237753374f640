//! Fault injection: tests make an actor panic, stop or hang at a defined point of its code.
//!
//! Faults can be injected by the tests of this crate, and in a program built with the feature
//! `faults`, which is only for integration tests. Otherwise the calls at the fault points exist
//! but do nothing.

#[cfg(any(test, feature = "faults"))]
mod injection;
mod point;

pub(crate) use point::{FaultAction, FaultPoint};

#[cfg(test)]
pub(crate) use injection::Fault;
#[cfg(any(test, feature = "faults"))]
pub(crate) use injection::Faults;
#[cfg(feature = "faults")]
pub(crate) use injection::backoff;

/// The faults of one actor: none can be scheduled.
#[cfg(not(any(test, feature = "faults")))]
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {}

#[cfg(not(any(test, feature = "faults")))]
impl Faults {
    /// Does nothing.
    #[inline]
    #[expect(clippy::unused_self, reason = "the other implementation uses it")]
    pub(crate) fn inject(&self, _: FaultPoint) -> FaultAction {
        FaultAction::Continue
    }
}
