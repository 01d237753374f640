//! Which series of a selector exist, and which handles describe its source.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

/// The generation of a selector that was removed: no handles have it.
pub(super) const REMOVED: u64 = 0;

/// The selectors that have handles.
pub(super) type SeriesBySelector = HashMap<String, Arc<Mutex<Series>>>;

/// What is known about the series of one selector.
#[derive(Debug, Default)]
pub(super) struct Series {
    /// The newest generation of handles, the only one that describes the source.
    pub(super) generation: u64,
    /// Number of handles that are not released.
    pub(super) handles: usize,
    /// The files that have a series.
    pub(super) files: HashSet<String>,
}
