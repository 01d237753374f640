//! The phase of the exporter as a whole.
//!
//! A watch channel holds it ([`crate::exporter::Exporter::phase`]): `/-/ready` reads it, and the
//! service manager is notified of changes. A failing selector does not change it.

/// The phase of the exporter.
///
/// ```text
/// Starting ──> Serving <──> Reloading
///                 '────────────┴────────> Stopping
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Listeners are not open or actors have not started yet.
    Starting,
    /// Requests are served.
    Serving,
    /// A reload is in progress. Requests are served as before.
    Reloading,
    /// Shutdown: `/-/ready` returns 503. Requests are served until no scrape is in progress, for at most 4 s.
    Stopping,
}
