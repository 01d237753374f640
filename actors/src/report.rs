//! What pages and metrics report about a selector: its state, its cache and its last error.
//!
//! Plain data without behaviour: this module does not log or count metrics.

use crate::closed_set::closed_set;
use crate::reason::Reason;
use crate::scrape::ScrapeError;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

closed_set! {
    /// The state of a selector's actor.
    ///
    /// ```text
    ///            first poll            panic or unexpected stop
    /// Starting ------------> Running --------------------------> Backoff
    ///                         |  ^                                  |
    ///                         |  '------ the back-off has passed ---'
    ///                         |
    ///                         '--> Stopped   (the selector was removed)
    /// ```
    ///
    /// `Stuck` is reported instead of `Starting`, `Running` or `Backoff` until the code returns.
    pub enum State {
        Starting = "starting", "Created, but not polled yet.";
        Running = "running", "Serves scrapes.";
        Backoff = "backoff", "Failed; scrapes are refused until the actor restarts.";
        Stuck = "stuck",
            "Runs code that does not return. Its thread was abandoned, and scrapes are refused.";
        Stopped = "stopped", "Ended, because the selector was removed.";
    }
}

closed_set! {
    /// How a cache detects changes of its files.
    pub enum WatchMode {
        Events = "events", "By inotify events, and by examining the files at every interval.";
        Polling = "polling", "By examining the files at every interval.";
    }
}

/// The status of a selector at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The state of the actor.
    pub state: State,
    /// Number of restarts so far.
    pub restarts: u64,
    /// Time until the actor restarts, in state `Backoff`.
    pub backoff_for: Option<Duration>,
    /// Number of scrapes in progress.
    pub in_flight: usize,
    /// Time since the oldest of them began, or since the actor got stuck.
    pub oldest_in_flight: Option<Duration>,
    /// Number of scrapes so far.
    pub scrapes: u64,
    /// Number of failed scrapes so far.
    pub failures: u64,
    /// When the source last returned a valid body.
    pub last_success: Option<SystemTime>,
    /// The most recent error.
    pub last_error: Option<Failure>,
    /// Size of the last valid body in bytes.
    pub body_bytes: Option<usize>,
    /// The cache, for sources that have one.
    pub cache: Option<CacheSnapshot>,
}

/// An error and when it occurred.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The reason.
    pub reason: Reason,
    /// The message.
    pub message: String,
    /// When it occurred.
    pub at: SystemTime,
}

/// A cache at one moment.
#[derive(Clone, Debug)]
pub struct CacheSnapshot {
    /// Time since it was last compared with the files.
    pub age: Duration,
    /// What was found then.
    pub report: Arc<CacheReport>,
}

/// The result of comparing a cache with its files.
#[derive(Clone, Debug)]
pub struct CacheReport {
    /// How the cache detects changes.
    pub watching: WatchMode,
    /// The modification time of the oldest file, including stale files.
    pub oldest: Option<SystemTime>,
    /// The files, in the order in which they are served.
    pub files: Vec<FileReport>,
    /// Files that were not read, and why; limited to what a page can show.
    pub passed_over: Vec<PassedOver>,
    /// Number of series left out because an earlier file has them.
    pub duplicate_series: usize,
    /// Whether the modification time of each file is a metric.
    pub file_metrics: bool,
    /// The first of these series with their files, one sentence each.
    pub duplicates: Vec<String>,
    /// What else was left out because it contradicts an earlier file, one sentence each.
    pub conflicts: Vec<String>,
    /// Number of files read this time that lacked their final newline.
    pub missing_final_newlines: usize,
}

/// One file of a cache.
#[derive(Clone, Debug)]
pub struct FileReport {
    /// Its path.
    pub path: PathBuf,
    /// Its modification time, if it could be read.
    pub mtime: Option<SystemTime>,
    /// Whether its contents, current or last valid, are part of the body.
    pub served: bool,
    /// The error of the file.
    pub error: Option<ScrapeError>,
    /// Whether its writer has kept it open for longer than `refresh`: it is read as it is, every two
    /// seconds, until it is closed.
    pub never_closed: bool,
}

/// A file that was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassedOver {
    /// Its path.
    pub path: PathBuf,
    /// Why, as a phrase.
    pub why: &'static str,
}
