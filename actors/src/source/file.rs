//! Kind `file`: text files, kept in memory and served from there.
//!
//! A scrape does no I/O: it gets the last reading, or the error of it. The
//! upkeep reads again when a directory reports a change and, since events can
//! be missing, whenever the `refresh` timer says so. A file that is gone is an
//! error at once, never an old answer. This file may not name notify.

mod activity;
mod scan;
mod watch;

pub(crate) use watch::Watches;

use super::Source;
use crate::scrape::{Answer, Exposition, Reason, ScrapeError};
use crate::status::{Status, Watching};
use activity::Activity;
use bytes::{Bytes, BytesMut};
use futures_util::future::LocalBoxFuture;
use local_exporter_config::Limits;
use scan::{Contents, Scan, scan};
use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use watch::{Subscription, Target, Unwatched};

/// The least time between two readings, and between a reading and its use: a
/// storm of events costs no more than this allows, and what happened to a file
/// while it was read has been reported by then.
const SETTLE: Duration = Duration::from_millis(10);

/// How often a directory that is never what it was a moment ago is looked at
/// again before an event or the timer is waited for.
const MOST_LOOKS: u32 = 16;

/// Who hears of readings.
#[derive(Debug)]
pub(super) enum Report {
    /// The selector's status.
    To(Arc<Status>),
    /// Nobody: whoever owns this judges for itself.
    Nobody,
}

/// Files and directories that make one exposition.
#[derive(Debug)]
pub(super) struct Files {
    paths: Arc<[PathBuf]>,
    limits: Limits,
    watches: Watches,
    report: Report,
    activity: Arc<Activity>,
    cache: RefCell<Cache>,
    /// Notified after each reading, for scrapes that came before the first.
    was_read: Notify,
}

#[derive(Debug, Default)]
struct Cache {
    contents: Contents,
    /// `None` until the first reading.
    answer: Option<Answer>,
}

impl Files {
    pub(super) fn new(
        paths: Vec<PathBuf>,
        limits: Limits,
        watches: Watches,
        report: Report,
    ) -> Self {
        Self {
            paths: paths.into(),
            limits,
            watches,
            report,
            activity: Arc::default(),
            cache: RefCell::default(),
            was_read: Notify::new(),
        }
    }

    async fn keep_fresh(&self) {
        let mut subscriptions = Subscriptions::default();
        // A reading that outlived its deadline: another one may only begin when it has ended.
        let mut overdue = None;
        let mut looks = 0;
        loop {
            self.activity.settled().await;
            let scan = self.look(&mut overdue).await;
            sleep(SETTLE).await;
            if self.activity.is_under_way() {
                // What was read is a version that somebody is about to replace, or half of the next.
                continue;
            }
            match scan {
                Some(Scan { contents, targets }) => {
                    self.publish(contents);
                    let renewed = subscriptions
                        .follow(&self.watches, targets, &self.activity)
                        .await;
                    self.note_check(subscriptions.watching);
                    if renewed == Renewed::Yes && looks < MOST_LOOKS {
                        // What happened before the watch was set is found by looking again.
                        looks += 1;
                        continue;
                    }
                }
                None => self.answer(Err(ScrapeError::timeout(&self.label()))),
            }
            looks = 0;
            self.activity.changed(self.limits.refresh).await;
        }
    }

    /// One reading on the blocking pool, or `None` at the deadline.
    async fn look(&self, overdue: &mut Option<JoinHandle<Scan>>) -> Option<Scan> {
        let mut reading = overdue.take().unwrap_or_else(|| {
            let paths = Arc::clone(&self.paths);
            let known = self.cache.borrow().contents.clone();
            let max_bytes = self.limits.max_bytes;
            tokio::task::spawn_blocking(move || scan(&paths, max_bytes, &known))
        });
        match timeout(self.limits.timeout, &mut reading).await {
            Ok(Ok(scan)) => Some(scan),
            // It panicked: so does the actor, and begins anew.
            Ok(Err(error)) => std::panic::resume_unwind(error.into_panic()),
            Err(_) => {
                *overdue = Some(reading);
                None
            }
        }
    }

    fn publish(&self, contents: Result<Contents, ScrapeError>) {
        let read_at = Instant::now();
        let (contents, answer) = match contents {
            Ok(contents) => {
                let answer = exposition(&contents, read_at);
                (contents, answer)
            }
            Err(error) => (Contents::new(), Err(error)),
        };
        self.cache.borrow_mut().contents = contents;
        self.answer(answer);
    }

    fn note_check(&self, watching: Watching) {
        if let Report::To(status) = &self.report {
            let cache = self.cache.borrow();
            let files = cache.contents.values().flat_map(|files| files.values());
            status.cache_checked(watching, files.map(|content| content.modified).min());
        }
    }

    fn answer(&self, answer: Answer) {
        if let Report::To(status) = &self.report {
            status.source_read(&answer);
        }
        self.cache.borrow_mut().answer = Some(answer);
        self.was_read.notify_waiters();
    }

    fn label(&self) -> String {
        let paths: Vec<_> = self
            .paths
            .iter()
            .map(|path| path.to_string_lossy())
            .collect();
        format!("reading {}", paths.join(", "))
    }
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

    fn at_hand(&self) -> Option<Answer> {
        self.cache.borrow().answer.clone()
    }

    fn upkeep(self: Rc<Self>) -> Option<LocalBoxFuture<'static, ()>> {
        Some(Box::pin(async move { self.keep_fresh().await }))
    }
}

/// The files as one body; a single file stays byte for byte what it is.
fn exposition(contents: &Contents, read_at: Instant) -> Answer {
    let mut files = contents.values().flat_map(|files| files.iter());
    let body = match (files.next(), files.next()) {
        (Some((_, only)), None) => only.body.clone(),
        _ => concatenated(contents)?,
    };
    let from = contents.values().flat_map(|files| files.keys()).next();
    let from = from.map_or_else(String::new, |path| path.display().to_string());
    let mut exposition = Exposition::fresh(body, &from)?;
    exposition.cached_at = Some(read_at);
    Ok(exposition)
}

/// Several files, one after the other, each on lines of its own.
fn concatenated(contents: &Contents) -> Result<Bytes, ScrapeError> {
    let mut joined = BytesMut::new();
    for (path, content) in contents.values().flatten() {
        if crate::scrape::Format::of(&content.body) == crate::scrape::Format::OpenMetrics {
            let message = format!(
                "{} is OpenMetrics, which cannot be joined with other files",
                path.display()
            );
            return Err(ScrapeError::new(Reason::Malformed, message));
        }
        joined.extend_from_slice(&content.body);
        if !content.body.is_empty() && !content.body.ends_with(b"\n") {
            joined.extend_from_slice(b"\n");
        }
    }
    Ok(joined.freeze())
}

/// The watches that are set for the targets of the last scan.
#[derive(Debug)]
struct Subscriptions {
    held: Vec<Subscription>,
    watching: Watching,
}

impl Default for Subscriptions {
    fn default() -> Self {
        Self {
            held: Vec::new(),
            watching: Watching::Events,
        }
    }
}

/// Whether a watch was set that had not been, or might have been.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Renewed {
    Yes,
    No,
}

impl Subscriptions {
    /// Watches all of `targets` and nothing else, as far as events can be had.
    async fn follow(
        &mut self,
        watches: &Watches,
        targets: Vec<Target>,
        activity: &Arc<Activity>,
    ) -> Renewed {
        let mut renewed = Renewed::No;
        let mut watching = Watching::Events;
        let mut held = Vec::with_capacity(targets.len());
        for target in targets {
            let serves = |held: &Subscription| held.serves(&target);
            if let Some(index) = self.held.iter().position(serves) {
                held.push(self.held.swap_remove(index));
                continue;
            }
            match watches.subscribe(&target, activity).await {
                Ok(subscription) => {
                    renewed = Renewed::Yes;
                    held.push(subscription);
                }
                Err(Unwatched::Gone) => renewed = Renewed::Yes,
                Err(Unwatched::NoEvents(error)) => {
                    if self.watching == Watching::Events {
                        let directory = target.directory.display();
                        tracing::warn!(%directory, error, "no file events, polling instead");
                    }
                    watching = Watching::Polling;
                }
            }
        }
        if (self.watching, watching) == (Watching::Polling, Watching::Events) {
            tracing::info!("file events again");
        }
        self.held = held;
        self.watching = watching;
        renewed
    }
}
