//! Failures on order, so that tests can show what becomes of them.
//!
//! Tests of this crate can give such orders, and so can anybody where the feature
//! `faults` is on, which is for tests of the whole program and off otherwise.
//! Without either there is nothing to order and nothing happens: the calls are
//! there, so that the places stand where actors run code, and are empty.

#[cfg(any(test, feature = "faults"))]
mod injection;

#[cfg(test)]
pub(crate) use injection::Fault;
#[cfg(any(test, feature = "faults"))]
pub(crate) use injection::Faults;
#[cfg(feature = "faults")]
pub(crate) use injection::backoff;

/// A place where an actor runs code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum FaultPoint {
    /// The start of the actor, where its source is opened.
    Started,
    /// The renewal of its fields after a failure.
    Restarting,
    /// The handling of a message.
    Handler,
    /// The pull of a source, a future in the actor's context.
    Pull,
    /// The upkeep of a source with its timers, likewise.
    Background,
    /// A look at files on the blocking pool.
    Read,
    /// The judging of a large body, there too.
    Validate,
}

/// What an actor does behind a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultAction {
    /// It goes on.
    Continue,
    /// It stops, though nobody asked it to.
    #[cfg(any(test, feature = "faults"))]
    Stop,
}

/// The failures ordered of one actor: none can be.
#[cfg(not(any(test, feature = "faults")))]
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {}

#[cfg(not(any(test, feature = "faults")))]
impl Faults {
    /// Nothing fails here.
    #[inline]
    #[expect(clippy::unused_self, reason = "it is used where orders are taken")]
    pub(crate) fn inject(&self, _: FaultPoint) -> FaultAction {
        FaultAction::Continue
    }
}
