//! What the exporter as a whole is doing, for whoever waits for it.
//!
//! One value, in a channel that keeps the latest ([`crate::Exporter::phase`]):
//! `/-/ready` looks at it, a service manager is told of its changes. It says
//! nothing of single selectors.

/// What the exporter is doing.
///
/// ```text
/// Starting ──> Serving <──> Reloading
///                 '────────────┴────────> Stopping
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Listeners or actors are not up yet.
    Starting,
    /// Requests are answered.
    Serving,
    /// The configuration is read again; requests are answered as ever.
    Reloading,
    /// The end was asked for: what is under way is answered, nothing else.
    Stopping,
}
