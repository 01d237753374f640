//! The interface of a kind of source that is written as a table.

use crate::bridge::Bridge;
use crate::key::Key;
use crate::table::Table;
use crate::write::TableWriter;

/// The settings of one kind of source: what they are called, how they are read and written.
///
/// The keys that selectors of all kinds have in common are not among them.
pub(crate) trait KindSettings: Sized {
    /// The keys of this kind, in the order in which [`KindSettings::read`] takes them.
    const KEYS: &'static [Key];
    /// Selects the common keys about caching.
    const CACHING: Caching;

    /// Reads the settings. Errors are reported in the table; `None` if there is one in a key
    /// that is required.
    fn read(table: &mut Table<'_, '_>, bridge: &Bridge) -> Option<Self>;

    /// Writes what [`KindSettings::read`] reads as the same settings: keys of the selector into
    /// `selector`, keys of `[bridge]` into `bridge`.
    fn write(&self, selector: &mut TableWriter, bridge: &mut TableWriter);
}

/// How the bodies of a kind come to be cached, which decides about `refresh` and `min_interval`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caching {
    /// Files are cached until they change: `refresh`.
    Files,
    /// The daemon is asked at each scrape: `min_interval`.
    OnDemand,
    /// One or the other, decided at each scrape: both keys.
    Either,
    /// The kind is not known, so neither key is read.
    Unknown,
}

impl Caching {
    pub(crate) const fn has_files(self) -> bool {
        matches!(self, Self::Files | Self::Either)
    }

    pub(crate) const fn is_on_demand(self) -> bool {
        matches!(self, Self::OnDemand | Self::Either)
    }
}
