//! The points at which faults can be injected, and their effect on the actor.

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
