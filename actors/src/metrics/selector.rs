//! The metric handles of one actor, and when the series of its selector are removed.
//!
//! Counting is a few atomic additions. Series about the source are created when something is
//! known about it. A selector that is replaced has two actors for a while: both count in the
//! same series, only the newer one describes the source, and the series are removed with the
//! last of them.

mod record;

use super::all::Metrics;
use super::families::{Families, SourceFamilies};
use super::series::{REMOVED, Series};
use crate::lock::lock;
use prometheus::{Gauge, Histogram, IntCounter, IntGauge};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

/// The handles of one actor. The series are removed when the last handles of the selector are
/// released.
#[derive(Debug)]
pub struct SelectorMetrics {
    scrapes: IntCounter,
    duration: Histogram,
    restarts: IntCounter,
    /// Created at the first read of the source.
    up: OnceLock<IntGauge>,
    /// Created at the first valid body.
    body: OnceLock<BodyMetrics>,
    /// Created at the first check of the files.
    files: OnceLock<FileMetrics>,
    metrics: Metrics,
    selector: String,
    /// Which generation of handles of the selector these are.
    generation: u64,
    series: Arc<Mutex<Series>>,
    released: AtomicBool,
}

/// The series that exist after the first valid body.
#[derive(Debug)]
struct BodyMetrics {
    bytes: IntGauge,
    last_success: Gauge,
}

/// The series that exist after the first check of the files.
#[derive(Debug)]
struct FileMetrics {
    duplicate_series: IntGauge,
    conflicts: IntGauge,
    missing_newlines: IntCounter,
}

impl Metrics {
    /// The handles of a selector's next actor. Counts of an earlier actor continue; what it
    /// described of the source is removed.
    #[must_use]
    pub fn selector(&self, selector: &str) -> SelectorMetrics {
        let Families { source, counts } = self.families();
        let one = &[selector];
        let mut selectors = lock(&self.0.selectors);
        let series = Arc::clone(selectors.entry(selector.to_owned()).or_default());
        let generation = {
            let mut series = lock(&series);
            source.remove(selector, &std::mem::take(&mut series.files));
            series.generation += 1;
            series.handles += 1;
            series.generation
        };
        SelectorMetrics {
            scrapes: counts.scrapes.with_label_values(one),
            duration: counts.duration.with_label_values(one),
            restarts: counts.restarts.with_label_values(one),
            up: OnceLock::new(),
            body: OnceLock::new(),
            files: OnceLock::new(),
            metrics: self.clone(),
            selector: selector.to_owned(),
            generation,
            series,
            released: AtomicBool::new(false),
        }
    }

    fn families(&self) -> &Families {
        &self.0.families
    }
}

impl SelectorMetrics {
    /// The name of the selector.
    pub(crate) fn selector(&self) -> &str {
        &self.selector
    }

    /// Locks the series if these are the newest handles, which alone describe the source.
    fn current(&self) -> Option<MutexGuard<'_, Series>> {
        let series = lock(&self.series);
        (series.generation == self.generation).then_some(series)
    }

    fn families(&self) -> &Families {
        self.metrics.families()
    }

    fn source(&self) -> &SourceFamilies {
        &self.families().source
    }

    /// Releases the handles: what they count and describe from now on is not exported, unless
    /// the selector has others. For an actor that is stuck and may never be dropped.
    pub(crate) fn release(&self) {
        if self.released.swap(true, Ordering::AcqRel) {
            return;
        }
        // Locked until the end, so that no handles are created meanwhile.
        let mut selectors = lock(&self.metrics.0.selectors);
        let mut series = lock(&self.series);
        series.handles -= 1;
        if series.handles == 0 {
            selectors.remove(&self.selector);
            series.generation = REMOVED;
            let Families { source, counts } = self.families();
            source.remove(&self.selector, &std::mem::take(&mut series.files));
            counts.remove(&self.selector);
        }
    }
}

impl Drop for SelectorMetrics {
    fn drop(&mut self) {
        self.release();
    }
}
