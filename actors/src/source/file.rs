//! Kind `file`: text files, kept in memory and served from there.
//!
//! A scrape does no I/O: it gets the last reading, or the error of it. The
//! upkeep reads again when a directory reports a change and, since events can
//! be missing, whenever the `refresh` timer says so. A file that is gone is an
//! error at once, never an old answer. This file may not name notify.

mod activity;
mod compose;
mod expand;
mod reach;
mod read;
mod shelf;
mod subscriptions;
mod watch;
mod withheld;

pub(super) use reach::directories;
pub(crate) use watch::Watches;

use super::{Source, Surroundings};
use crate::faults::Place;
use crate::gate::{self, Gate};
use crate::scrape::{Answer, Reason, ScrapeError};
use crate::status::{CacheReport, FileReport, Watching};
use activity::{Activity, Writing};
use compose::{Composed, compose};
use expand::{MOST_FILES, Patterns, expand};
use futures_util::future::LocalBoxFuture;
use local_exporter_config::{FileOptions, Limits};
use rustix::io::Errno;
use shelf::{Now, Shelf, Verdict};
use std::cell::RefCell;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use subscriptions::{Renewed, Subscriptions};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tracing::Span;
use watch::Target;

/// The least time between two readings, and between a reading and its use: a
/// storm of events costs no more than this allows, and what happened to a file
/// while it was read has been reported by then.
const SETTLE: Duration = Duration::from_millis(10);
/// How often a directory that is never what it was a moment ago is looked at
/// again before an event or the timer is waited for.
const MOST_LOOKS: u32 = 16;

/// Why a reading is late.
const FILES_HANG: &str = "; the file system they are on hangs, or is slow";

/// Whether readings are answers of the selector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// They are: what goes wrong is the source's failure.
    Alone,
    /// They may be: whoever owns this decides at each scrape.
    Fallback,
}

/// What is read, and on which terms.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    pub(super) paths: Vec<PathBuf>,
    pub(super) options: FileOptions,
    pub(super) limits: Limits,
    pub(super) gate: Gate,
    pub(super) role: Role,
}

/// Files and directories that make one exposition.
#[derive(Debug)]
pub(super) struct Files {
    terms: Arc<Terms>,
    patterns: Patterns,
    surroundings: Surroundings,
    activity: Arc<Activity>,
    /// `None` until the first reading.
    answer: RefCell<Option<Answer>>,
    /// Notified after each reading, for scrapes that came before the first.
    was_read: Notify,
}

/// What one reading of everything came to.
#[derive(Debug)]
struct Reading {
    shelf: Shelf,
    targets: Vec<Target>,
    answer: Answer,
    report: CacheReport,
    /// After how long to read again even if nothing changes.
    due: Option<Duration>,
}

impl Files {
    pub(super) fn new(terms: Terms, surroundings: Surroundings) -> Self {
        Self {
            patterns: Patterns::new(&terms.options.patterns),
            terms: Arc::new(terms),
            surroundings,
            activity: Arc::default(),
            answer: RefCell::default(),
            was_read: Notify::new(),
        }
    }

    async fn keep_fresh(&self) {
        let mut subscriptions = Subscriptions::default();
        let mut shelf = Shelf::default();
        // A reading that outlived its deadline: another one may only begin when it has ended.
        let mut overdue = None;
        let mut looks = 0;
        loop {
            let writing = self.activity.writing();
            let look = self.look(&mut overdue, shelf.clone(), writing.clone());
            let Some(reading) = look.await else {
                self.publish(Err(ScrapeError::timeout(&self.label(), FILES_HANG)));
                self.activity.changed(self.terms.limits.refresh).await;
                continue;
            };
            sleep(SETTLE).await;
            if looks < MOST_LOOKS && self.activity.writing().has_begun_since(&writing) {
                // A file was begun to be written meanwhile, and half of it may have been read:
                // look again, now that it is known which.
                looks += 1;
                continue;
            }
            shelf = reading.shelf;
            self.publish(reading.answer);
            let renewed = subscriptions
                .follow(&self.surroundings.watches, reading.targets, &self.activity)
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
            let due = [reading.due, self.activity.writing().due];
            let due = due.into_iter().flatten().min();
            let refresh = self.terms.limits.refresh;
            self.activity
                .changed(due.map_or(refresh, |due| due.min(refresh)))
                .await;
        }
    }

    /// One reading on the blocking pool, or `None` at the deadline.
    async fn look(
        &self,
        overdue: &mut Option<JoinHandle<Reading>>,
        shelf: Shelf,
        writing: Writing,
    ) -> Option<Reading> {
        let mut reading = overdue.take().unwrap_or_else(|| {
            let (terms, patterns) = (Arc::clone(&self.terms), self.patterns.clone());
            let faults = self.surroundings.faults.clone();
            let span = Span::current();
            tokio::task::spawn_blocking(move || {
                // A panic is logged where it is, and names the selector there.
                let _entered = span.enter();
                faults.strike(Place::Look);
                look(&terms, &patterns, shelf, &writing)
            })
        });
        match timeout(self.terms.limits.timeout, &mut reading).await {
            Ok(Ok(reading)) => Some(reading),
            Ok(Err(error)) => gate::pass_on(error).await,
            Err(_) => {
                *overdue = Some(reading);
                None
            }
        }
    }

    fn publish(&self, answer: Answer) {
        if self.terms.role == Role::Alone {
            self.surroundings.status.source_read(&answer);
        }
        *self.answer.borrow_mut() = Some(answer);
        self.was_read.notify_waiters();
    }

    fn label(&self) -> String {
        format!("reading {}", listed(&self.terms.paths))
    }
}

/// Finds, reads, judges and composes all files; blocks.
fn look(terms: &Terms, patterns: &Patterns, mut shelf: Shelf, writing: &Writing) -> Reading {
    let now = Now {
        instant: Instant::now(),
        wall: SystemTime::now(),
    };
    let expansion = expand(&terms.paths, patterns);
    let (verdicts, composed) = if expansion.files.len() > MOST_FILES {
        let message = format!("there are over {MOST_FILES} files");
        let error = ScrapeError::new(Reason::TooLarge, message);
        (Vec::new(), Composed::failed(error))
    } else {
        let mut verdicts = shelf.update(&expansion, terms, writing, now);
        let composed = compose(&mut verdicts, terms);
        (verdicts, composed)
    };
    let oldest = verdicts.iter().filter_map(|verdict| verdict.modified).min();
    let newlines = verdicts
        .iter()
        .filter(|verdict| verdict.missing_final_newline);
    let missing_final_newlines = newlines.count();
    let due = verdicts.iter().filter_map(|verdict| verdict.due).min();
    Reading {
        shelf,
        targets: expansion.targets,
        answer: composed.answer,
        report: CacheReport {
            watching: Watching::Polling,
            oldest,
            files: verdicts.into_iter().map(report).collect(),
            passed_over: expansion.passed_over,
            duplicate_series: composed.duplicates,
            conflicts: composed.conflicts,
            missing_final_newlines,
        },
        due,
    }
}

fn report(verdict: Verdict) -> FileReport {
    FileReport {
        path: verdict.path,
        mtime: verdict.modified,
        served: verdict.good.is_some(),
        error: verdict.error,
    }
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
    let dead = super::dead_directory::hint(path);
    let withheld = withheld::hint(path, error);
    let path = path.display();
    ScrapeError::new(reason, format!("{what} {path}: {error}{dead}{withheld}"))
}

impl Source for Files {
    /// Waits for the first reading; after it, the answer is at hand.
    fn pull(self: Rc<Self>) -> LocalBoxFuture<'static, Answer> {
        Box::pin(async move {
            loop {
                let was_read = self.was_read.notified();
                if let Some(answer) = self.at_hand() {
                    return answer;
                }
                was_read.await;
            }
        })
    }

    fn awaits(&self) -> String {
        FILES_HANG.into()
    }

    fn at_hand(&self) -> Option<Answer> {
        self.answer.borrow().clone()
    }

    fn upkeep(self: Rc<Self>) -> Option<LocalBoxFuture<'static, ()>> {
        Some(Box::pin(async move { self.keep_fresh().await }))
    }
}
