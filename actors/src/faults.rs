//! Fault injection: tests make an actor panic, stop or hang at a defined point of its code.
//!
//! Faults can be injected by the tests of this crate, and in a program built with the feature
//! `faults`, which is only for integration tests. Otherwise the calls at the fault points exist
//! but do nothing.

#[cfg(any(test, feature = "faults"))]
mod injection;

#[cfg(test)]
pub(crate) use injection::Fault;
#[cfg(any(test, feature = "faults"))]
pub(crate) use injection::Faults;
#[cfg(feature = "faults")]
pub(crate) use injection::backoff;

/// A point in the code of an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum FaultPoint {
    /// The start of the actor, where its source is opened.
    Started,
    /// The reset of its fields after a failure.
    Restarting,
    /// The handler of a message.
    Handler,
    /// The pull of a source: a future in the context of the actor.
    Pull,
    /// The background task of a source, also in the context of the actor.
    Background,
    /// Reading files on the blocking pool.
    Read,
    /// Validating a large body on the blocking pool.
    Validate,
}

/// What the actor does after a fault point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultAction {
    Continue,
    /// Stops the actor unexpectedly.
    #[cfg(any(test, feature = "faults"))]
    Stop,
}

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
