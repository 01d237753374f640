//! The cache entry of one file: the version that was read last, the last good body and the error.

use super::version::Version;
use crate::reason::Reason;
use crate::scrape::ScrapeError;
use bytes::Bytes;
use local_exporter_config::shown;
use local_exporter_exposition::Summary;
use std::path::Path;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// The time for which a new file may be written without being an error.
const MAX_SILENCE: Duration = Duration::from_secs(2);

/// The time of a scan, on both clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) instant: Instant,
    pub(super) wall: SystemTime,
}

/// The entry of one file.
#[derive(Clone, Debug)]
pub(super) struct CacheEntry {
    /// The version that was read last, good or bad; `None` if it has to be read again.
    pub(super) version: Option<Version>,
    pub(super) error: Option<ScrapeError>,
    pub(super) last_good: Option<LastGood>,
    /// The time since which the file on disk is bad.
    pub(super) bad_since: Option<Instant>,
}

/// The last body of a file that passed validation.
#[derive(Clone, Debug)]
pub(super) struct LastGood {
    pub(super) body: Bytes,
    pub(super) summary: Summary,
    pub(super) modified: SystemTime,
    /// The time at which it was last confirmed to be the content on disk.
    pub(super) confirmed_at: Instant,
}

impl CacheEntry {
    /// The entry after a scan that found the file unchanged.
    pub(super) fn confirmed(mut self, now: Now) -> Self {
        if let (None, Some(last_good)) = (&self.error, &mut self.last_good) {
            last_good.confirmed_at = now.instant;
        }
        self
    }

    /// The entry after a scan that found the file being written: unchanged. A file without a
    /// complete version so far has no error until the write takes long.
    pub(super) fn unfinished(before: Option<Self>, path: &Path, now: Now) -> Self {
        let mut entry = before.unwrap_or(Self {
            version: None,
            error: None,
            last_good: None,
            bad_since: Some(now.instant),
        });
        let waits = entry.error.is_none() && entry.last_good.is_none();
        let lasted = |since: Instant| now.instant.saturating_duration_since(since);
        if waits
            && entry
                .bad_since
                .is_some_and(|since| lasted(since) >= MAX_SILENCE)
        {
            entry.error = Some(being_written(path));
        }
        entry
    }

    /// When the version was read.
    pub(super) fn read_at(&self) -> Option<SystemTime> {
        self.version.as_ref().map(|version| version.read_at)
    }

    /// The entry without a last good body that was kept for as long as it may be.
    pub(super) fn without_expired(mut self, keep: Duration, now: Now) -> Self {
        let lasted = |since: Instant| now.instant.saturating_duration_since(since);
        if self.error.is_some() && self.bad_since.is_some_and(|since| lasted(since) >= keep) {
            self.last_good = None;
        }
        self
    }

    /// The entry after a scan that found the file bad, which may keep its last good body.
    pub(super) fn failed(before: Option<Self>, error: ScrapeError, now: Now) -> Self {
        let (last_good, bad_since) = match before {
            Some(before) if may_pass(error.reason) => (before.last_good, before.bad_since),
            // A file that is gone or cannot be accessed is an error.
            _ => (None, None),
        };
        Self {
            version: None,
            error: Some(error),
            last_good,
            bad_since: bad_since.or(Some(now.instant)),
        }
    }
}

/// The error of a file that is written for the first time.
pub(super) fn being_written(path: &Path) -> ScrapeError {
    let path = shown(path);
    let message = format!("{path} is being written, and has no complete version yet");
    ScrapeError::new(Reason::Truncated, message)
}

/// Whether an error may be temporary: the file is being rewritten, or the exporter is short of
/// something such as descriptors (`io`).
fn may_pass(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::Empty | Reason::Truncated | Reason::Malformed | Reason::Timestamps | Reason::Io
    )
}
