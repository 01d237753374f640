//! Kind `file`: text files, kept in memory and served from there.
//!
//! A scrape does no I/O: it gets the last reading, or the error of it. The
//! background task reads again when a directory reports a change and, since events can
//! be missing, whenever the `refresh` timer says so. A file that is gone is an
//! error at once, never an old answer. This file may not name notify.

mod access;
mod cache;
mod compose;
mod expand;
mod pattern;
mod pending_writes;
mod read;
mod scan;
mod subscriptions;
pub(super) mod watch;

use super::kind::{Descriptors, FileAccess, Kind, RequiredPath, Sockets, Source, SourceContext};
use crate::faults::FaultPoint;
use crate::host::lsm::denial_hint;
use crate::host::mounts;
use crate::reason::Reason;
use crate::report::CacheReport;
use crate::scrape::{ScrapeError, ScrapeResult};
use crate::validator::{self, Validator};
use cache::FileCache;
use futures_util::future::LocalBoxFuture;
use local_exporter_config::{FileOptions, FileSource, Limits, Selector};
use pattern::Patterns;
use pending_writes::PendingWrites;
use read::Stamp;
use rustix::io::Errno;
use scan::{Scan, scan};
use std::cell::RefCell;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use subscriptions::{Renewed, Subscriptions};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tracing::Span;

/// The least time between two readings, and between a reading and its use: a
/// storm of events costs no more than this allows, and what happened to a file
/// while it was read has been reported by then.
const SETTLE: Duration = Duration::from_millis(10);
/// How often a directory that is never what it was a moment ago is looked at
/// again before an event or the timer is waited for.
const MOST_LOOKS: u32 = 16;

/// How soon what the system refused is asked for again.
const SHORTEST_RETRY: Duration = Duration::from_secs(1);

/// Why a reading is late.
const FILES_HANG: &str = "; the file system they are on hangs, or is slow";

impl Kind for FileSource {
    fn label(&self) -> String {
        listed(&self.paths)
    }

    fn open(&self, selector: &Selector, context: &SourceContext) -> Rc<dyn Source> {
        let settings = FileSettings {
            paths: self.paths.clone(),
            options: self.options.clone(),
            limits: selector.limits,
            validator: Validator::for_files(selector.body_policy),
            role: Role::Alone,
        };
        Rc::new(Files::new(settings, context.clone()))
    }

    fn access(&self) -> FileAccess {
        FileAccess {
            directories: access::directories(&self.paths, &self.options),
            sockets: Sockets::ByPath,
        }
    }

    fn required_paths(&self) -> Vec<RequiredPath> {
        access::required_paths(&self.paths, &self.options)
    }

    /// A run of the background task reads one file in one directory at a time.
    fn descriptors(&self) -> Descriptors {
        Descriptors {
            kept: 0,
            background: 2,
        }
    }

    fn has_cache(&self) -> bool {
        true
    }
}

/// Whether readings are answers of the selector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// They are: what goes wrong is the source's failure.
    Alone,
    /// They may be: whoever owns this decides at each scrape.
    Fallback,
}

/// What is read, and on which settings.
#[derive(Clone, Debug)]
pub(super) struct FileSettings {
    pub(super) paths: Vec<PathBuf>,
    pub(super) options: FileOptions,
    pub(super) limits: Limits,
    pub(super) validator: Validator,
    pub(super) role: Role,
}

/// Files and directories that make one exposition.
#[derive(Debug)]
pub(super) struct Files {
    settings: Arc<FileSettings>,
    patterns: Patterns,
    surroundings: SourceContext,
    pending_writes: Arc<PendingWrites>,
    /// `None` until the first reading.
    answer: RefCell<Option<ScrapeResult>>,
    /// Notified after each reading, for scrapes that came before the first.
    was_read: Notify,
}

impl Files {
    pub(super) fn new(settings: FileSettings, surroundings: SourceContext) -> Self {
        Self {
            patterns: Patterns::new(&settings.options.patterns),
            settings: Arc::new(settings),
            surroundings,
            pending_writes: Arc::default(),
            answer: RefCell::default(),
            was_read: Notify::new(),
        }
    }

    async fn keep_fresh(&self) {
        let mut subscriptions = Subscriptions::default();
        let mut cache = FileCache::default();
        // A reading that outlived its deadline: another one may only begin when it has ended.
        let mut overdue = None;
        let mut looks = 0;
        loop {
            let Some(reading) = self.look(&mut overdue, cache.clone()).await else {
                self.publish(Err(ScrapeError::timeout(&self.label(), FILES_HANG)));
                continue;
            };
            sleep(SETTLE).await;
            if looks < MOST_LOOKS && !self.is_settled(&reading).await {
                // A file was begun to be written meanwhile, and half of it may have been read:
                // look again, now that it is known which.
                looks += 1;
                continue;
            }
            cache = reading.cache;
            // What was held up for long found what there was long ago.
            let held_up = reading.began.elapsed() > self.settings.limits.timeout * 2;
            self.publish(reading.answer);
            let renewed = subscriptions
                .follow(
                    &self.surroundings.watches,
                    reading.targets,
                    &self.pending_writes,
                )
                .await;
            self.surroundings.status.cache_checked(CacheReport {
                watching: subscriptions.watching,
                ..reading.report
            });
            if renewed == Renewed::Yes && looks < MOST_LOOKS {
                // What happened before the watch was set is found by looking again.
                looks += 1;
                continue;
            }
            looks = 0;
            let now = self.pending_writes.writing();
            // What was left alone may have been finished since without another event.
            let ended = now.has_ended_since(&reading.writing) || held_up;
            let at_once = ended.then_some(Duration::ZERO);
            let due = [reading.due, now.due, at_once, subscriptions.due()];
            let due = due.into_iter().flatten().min();
            let refresh = self.settings.limits.refresh;
            self.pending_writes
                .changed(due.map_or(refresh, |due| due.min(refresh)))
                .await;
        }
    }

    /// Whether nobody was at the files while they were read, as far as events
    /// tell and their stamps.
    async fn is_settled(&self, reading: &Scan) -> bool {
        if self
            .pending_writes
            .writing()
            .has_begun_since(&reading.writing)
        {
            return false;
        }
        let young = reading.cache.young();
        if young.is_empty() {
            return true;
        }
        let overwritten = tokio::task::spawn_blocking(move || {
            let again = |(path, stamp): &(PathBuf, Stamp)| stamp.was_overwritten(path);
            young.into_iter().filter(again).collect::<Vec<_>>()
        });
        let overwritten = match timeout(self.settings.limits.timeout, overwritten).await {
            Ok(Ok(overwritten)) => overwritten,
            Ok(Err(error)) => validator::pass_on(error).await,
            Err(_) => return true,
        };
        for name in overwritten.iter().filter_map(|(path, _)| path.file_name()) {
            self.pending_writes.was_touched(name);
        }
        overwritten.is_empty()
    }

    /// One reading on the blocking pool, or `None` at the deadline.
    async fn look(&self, overdue: &mut Option<JoinHandle<Scan>>, cache: FileCache) -> Option<Scan> {
        if overdue.is_none() {
            let writing = self.pending_writes.before_reading();
            let (settings, patterns) = (Arc::clone(&self.settings), self.patterns.clone());
            let faults = self.surroundings.faults.clone();
            let span = Span::current();
            *overdue = Some(tokio::task::spawn_blocking(move || {
                // A panic is logged where it is, and names the selector there.
                let _entered = span.enter();
                faults.inject(FaultPoint::Read);
                scan(&settings, &patterns, cache, writing)
            }));
        }
        in_time(overdue, self.settings.limits.timeout).await
    }

    fn publish(&self, answer: ScrapeResult) {
        if self.settings.role == Role::Alone {
            self.surroundings.status.source_read(&answer);
        }
        *self.answer.borrow_mut() = Some(answer);
        self.was_read.notify_waiters();
    }

    fn label(&self) -> String {
        format!("reading {}", listed(&self.settings.paths))
    }
}

/// What a reading comes to, which is taken out if it ends in time.
async fn in_time(reading: &mut Option<JoinHandle<Scan>>, limit: Duration) -> Option<Scan> {
    let ended = timeout(limit, reading.as_mut()?).await.ok()?;
    *reading = None;
    match ended {
        Ok(reading) => Some(reading),
        Err(error) => validator::pass_on(error).await,
    }
}

/// After how long what the system refuses is asked for again: after as long again as it has
/// refused it, so soon after a moment of need, and seldom where nothing helps.
fn retry_after(lasted: Duration) -> Duration {
    lasted.max(SHORTEST_RETRY)
}

/// Paths as one names them in a sentence.
pub(super) fn listed(paths: &[PathBuf]) -> String {
    let paths = paths.iter().map(|path| path.to_string_lossy());
    paths.collect::<Vec<_>>().join(", ")
}

/// The error of an operation on a path.
fn failed(what: &str, path: &Path, error: &io::Error) -> ScrapeError {
    let reason = match Errno::from_io_error(error) {
        // Links that lead in a circle lead to no file.
        Some(Errno::LOOP | Errno::ISDIR) => Reason::Unsuitable,
        _ => Reason::of_io(error),
    };
    let stale = mounts::stale_hint(path);
    let denial = denial_hint(path, error);
    let path = path.display();
    ScrapeError::new(reason, format!("{what} {path}: {error}{stale}{denial}"))
}

impl Source for Files {
    /// Waits for the first reading; after it, the answer is at hand.
    fn pull(self: Rc<Self>) -> LocalBoxFuture<'static, ScrapeResult> {
        Box::pin(async move {
            loop {
                let was_read = self.was_read.notified();
                if let Some(answer) = self.cached() {
                    return answer;
                }
                was_read.await;
            }
        })
    }

    fn waiting_for(&self) -> String {
        FILES_HANG.into()
    }

    fn cached(&self) -> Option<ScrapeResult> {
        self.answer.borrow().clone()
    }

    fn background(self: Rc<Self>) -> Option<LocalBoxFuture<'static, ()>> {
        Some(Box::pin(async move { self.keep_fresh().await }))
    }
}
