//! What pages and metrics report about a selector: its state, its cache and its last error.
//!
//! Plain data without behaviour: this module does not log or count metrics.

use crate::reason::Reason;
use crate::scrape::ScrapeError;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// What the actor of a selector is doing.
///
/// ```text
///            first poll             panic, or a stop that nobody asked for
/// Starting ------------> Running <----------------------------> Backoff
///                           |            the rest is over
///                           '--> Stopped   (the selector was removed)
/// ```
///
/// From each of the first three it may get stuck, and is as it was when its code returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Made, not yet run.
    Starting,
    /// Answering.
    Running,
    /// Failed a moment ago; scrapes are refused until the rest is over.
    Backoff,
    /// In code that does not return; its thread was given up, and scrapes are refused.
    Stuck,
    /// Removed for good.
    Stopped,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Starting,
        Self::Running,
        Self::Backoff,
        Self::Stuck,
        Self::Stopped,
    ];

    /// The label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Backoff => "backoff",
            Self::Stuck => "stuck",
            Self::Stopped => "stopped",
        }
    }
}

/// One moment of a selector, for pages.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// What the actor is doing.
    pub state: State,
    /// How often it was restarted.
    pub restarts: u64,
    /// How long it still rests, if it does.
    pub backoff_for: Option<Duration>,
    /// Scrapes that wait for it now.
    pub in_flight: usize,
    /// How long the oldest of them has waited.
    pub oldest_in_flight: Option<Duration>,
    /// Scrapes so far.
    pub scrapes: u64,
    /// Scrapes so far that failed.
    pub failures: u64,
    /// When the source last gave a whole answer.
    pub last_success: Option<SystemTime>,
    /// The last thing that went wrong.
    pub last_error: Option<Failure>,
    /// The size of the last whole answer.
    pub body_bytes: Option<usize>,
    /// The cache, for sources that have one.
    pub cache: Option<CacheSnapshot>,
}

/// Something that went wrong, and when.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The class.
    pub reason: Reason,
    /// The sentence.
    pub message: String,
    /// When.
    pub at: SystemTime,
}

/// One moment of a cache.
#[derive(Clone, Debug)]
pub struct CacheSnapshot {
    /// How long ago it was last compared with the files.
    pub age: Duration,
    /// What was found then.
    pub report: CacheReport,
}

/// What a look at the files of a cache found.
#[derive(Clone, Debug)]
pub struct CacheReport {
    /// How the cache learns of changes.
    pub watching: Watching,
    /// The modification time of the oldest file, stale ones included.
    pub oldest: Option<SystemTime>,
    /// The files, in the order they are served.
    pub files: Vec<FileReport>,
    /// Files that were not even read, and why; no more than a page can bear.
    pub passed_over: Vec<PassedOver>,
    /// Series left out because an earlier file has them.
    pub duplicate_series: usize,
    /// What else was left out because an earlier file says otherwise, in words.
    pub conflicts: Vec<String>,
    /// Files read just now that lacked their final newline.
    pub missing_final_newlines: usize,
}

/// One file of a cache.
#[derive(Clone, Debug)]
pub struct FileReport {
    /// Its path.
    pub path: PathBuf,
    /// When it was modified, where it could be read.
    pub mtime: Option<SystemTime>,
    /// Whether something of it is served: itself, or its last good content.
    pub served: bool,
    /// What is wrong with it.
    pub error: Option<ScrapeError>,
}

/// A file that was not even read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassedOver {
    /// Its path.
    pub path: PathBuf,
    /// Why, in words.
    pub why: &'static str,
}

/// How a cache learns of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watching {
    /// From inotify at once, and from the timer.
    Events,
    /// From the timer alone.
    Polling,
}

impl Watching {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Events, Self::Polling];

    /// The label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Polling => "polling",
        }
    }
}
