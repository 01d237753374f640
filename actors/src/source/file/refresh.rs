//! The source of kind `file`: serves the latest scan, and scans again in the background.

use super::pace::Pace;
use super::scan::{Kept, Scan, scan};
use super::settings::{FileSettings, Role, joined};
use super::subscriptions::{Renewed, Subscriptions};
use super::version::Stamp;
use crate::blocking::{BlockingTask, TaskError};
use crate::faults::FaultPoint;
use crate::log_limit::{LogLimit, LogLine};
use crate::reason::Reason;
use crate::report::CacheReport;
use crate::scrape::{ScrapeError, ScrapeResult};
use crate::secret_files::SecretIdentities;
use crate::source::kind::{Source, SourceContext};
use crate::source::watch::pattern::Patterns;
use crate::source::watch::pending_writes::{PendingWrites, SETTLE};
use futures_util::future::LocalBoxFuture;
use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tracing::Span;

/// The most scans in a row, without waiting for an event or the timer, of files that change each
/// time.
const MAX_RESCANS: u32 = 16;

/// The pause after a scan for which there was no thread.
const NO_THREAD_PAUSE: Duration = Duration::from_secs(10);

/// The time until the next scan if the files that no source serves could not be identified in time.
const SECRETS_RETRY: Duration = Duration::from_secs(1);

/// Why a scan is late, as the end of an error message.
const FILES_HANG: &str = "; the file system they are on hangs, or is slow";

/// Files and directories that are served as one body.
#[derive(Debug)]
pub(in crate::source) struct Files {
    settings: Arc<FileSettings>,
    patterns: Patterns,
    context: SourceContext,
    pending_writes: Arc<PendingWrites>,
    /// The result of the latest scan; `None` before the first one.
    latest: RefCell<Option<ScrapeResult>>,
    /// Notified after each scan, for scrapes that wait for the first one.
    scanned: Notify,
    /// Limits the log lines about scans that could not be started.
    failures: LogLimit,
}

impl Files {
    pub(in crate::source) fn new(settings: FileSettings, context: SourceContext) -> Self {
        Self {
            patterns: Patterns::new(&settings.options.patterns),
            pending_writes: Arc::new(PendingWrites::new(settings.limits.refresh)),
            settings: Arc::new(settings),
            context,
            latest: RefCell::default(),
            scanned: Notify::new(),
            failures: LogLimit::default(),
        }
    }

    /// The background task: scans, publishes the result, and waits for a reason to scan again.
    async fn refresh(&self) {
        let mut subscriptions = Subscriptions::default();
        let mut kept = Arc::new(Kept::default());
        // A scan that exceeded its deadline. The next one must not begin before it has ended.
        let mut overdue = None;
        let mut rescans = 0;
        let mut pace = Pace::new(self.settings.limits.refresh);
        loop {
            pace.pause().await;
            let scan = loop {
                match self.scan(&mut overdue, &kept).await {
                    Ok(scan) => break scan,
                    Err(error) if error.reason == Reason::Overloaded => {
                        self.keep_or_publish(error);
                        pace.idle(sleep(NO_THREAD_PAUSE)).await;
                    }
                    Err(error) => self.publish(Err(error)),
                }
            };
            pace.idle(sleep(SETTLE)).await;
            if rescans < MAX_RESCANS && !self.is_settled(&scan).await {
                // A write began during the scan, which may have read half of it. The next scan
                // knows which file that was.
                rescans += 1;
                continue;
            }
            let secrets = self.secrets().await;
            if !secrets.are(&scan.secrets) {
                // A file that was read may be one of those that no source serves by now.
                continue;
            }
            kept = Arc::new(scan.kept);
            // The result of a scan that took this long is out of date.
            let outdated = scan.began.elapsed() > self.settings.limits.timeout * 2;
            self.publish(scan.result);
            let renewed = subscriptions
                .follow(&self.context.watches, scan.targets, &self.pending_writes)
                .await;
            self.context.status.cache_checked(CacheReport {
                watching: subscriptions.watching,
                ..scan.report
            });
            if renewed == Renewed::Yes && rescans < MAX_RESCANS {
                // Changes before the watch was set have caused no event.
                rescans += 1;
                continue;
            }
            rescans = 0;
            let at_once = outdated.then_some(Duration::ZERO);
            // These files may be others by now.
            let unknown = secrets.outdated.then_some(SECRETS_RETRY);
            let due = [scan.due, at_once, unknown, subscriptions.due()];
            let due = due.into_iter().flatten().min();
            let refresh = self.settings.limits.refresh;
            let wait = due.map_or(refresh, |due| due.min(refresh));
            pace.idle(self.pending_writes.due(&scan.writes, wait)).await;
        }
    }

    /// One scan on the blocking pool.
    ///
    /// # Errors
    /// If it exceeds the deadline, or no thread can run it.
    async fn scan(
        &self,
        overdue: &mut Option<BlockingTask<Scan>>,
        kept: &Arc<Kept>,
    ) -> Result<Scan, ScrapeError> {
        if overdue.is_none() {
            let secrets = self.secrets().await;
            let writes = self.pending_writes.before_scan();
            let (settings, patterns) = (Arc::clone(&self.settings), self.patterns.clone());
            let (kept, faults) = (Arc::clone(kept), self.context.faults.clone());
            let span = Span::current();
            *overdue = Some(self.context.blocking.spawn(move || {
                // A panic is logged inside the span, which names the selector.
                let _entered = span.enter();
                faults.inject(FaultPoint::Read);
                scan(&settings, &patterns, Kept::clone(&kept), secrets, writes)
            }));
        }
        match in_time(overdue, self.settings.limits.timeout).await {
            Some(Ok(scan)) => Ok(scan),
            Some(Err(error)) => {
                let error = error.or_resume_panic();
                let message = format!("{}: {error}", self.label());
                Err(ScrapeError::new(Reason::of_io(&error), message))
            }
            None => Err(ScrapeError::timeout(&self.label(), FILES_HANG)),
        }
    }

    /// The files that no source serves. A file system that hangs does not use up the time of a scrape.
    async fn secrets(&self) -> SecretIdentities {
        let within = self.settings.limits.timeout / 4;
        self.context.secret_files.identify(within).await
    }

    /// Whether no file was written during a scan, according to events and to the files' stamps.
    async fn is_settled(&self, scan: &Scan) -> bool {
        if self.pending_writes.snapshot().has_begun_since(&scan.writes) {
            return false;
        }
        let young = scan.young.clone();
        if young.is_empty() {
            return true;
        }
        let overwritten = self.context.blocking.spawn(move || {
            let changed = |(path, stamp): &(PathBuf, Stamp)| stamp.was_overwritten(path);
            young.into_iter().filter(changed).collect::<Vec<_>>()
        });
        let overwritten = match timeout(self.settings.limits.timeout, overwritten).await {
            Ok(Ok(overwritten)) => overwritten,
            Ok(Err(error)) => {
                // Without a thread, the files are not compared again.
                error.or_resume_panic();
                return true;
            }
            Err(_) => return true,
        };
        for name in overwritten.iter().filter_map(|(path, _)| path.file_name()) {
            self.pending_writes.was_overwritten(name);
        }
        overwritten.is_empty()
    }

    /// Without a thread nothing is known about the files: the last result stays.
    fn keep_or_publish(&self, error: ScrapeError) {
        if self.latest.borrow().is_some() {
            if let Some(suppressed) = self.failures.event().map(LogLine::suppressed) {
                tracing::warn!(
                    error = error.message,
                    suppressed,
                    "cannot examine files; serving the last result"
                );
            }
        } else {
            self.publish(Err(error));
        }
    }

    fn publish(&self, result: ScrapeResult) {
        if self.settings.role == Role::Alone {
            self.context.status.source_read(&result);
            let limits = self.settings.limits;
            // The next scan begins within `refresh` and ends within `timeout`.
            let valid_for = limits.refresh + limits.timeout * 2;
            self.context
                .status
                .publish_cached(result.clone(), valid_for);
        }
        *self.latest.borrow_mut() = Some(result);
        self.scanned.notify_waiters();
    }

    fn label(&self) -> String {
        format!("reading {}", joined(&self.settings.paths))
    }
}

/// The result of a scan if it ends in time, which also removes its handle.
async fn in_time(
    scan: &mut Option<BlockingTask<Scan>>,
    limit: Duration,
) -> Option<Result<Scan, TaskError>> {
    let ended = timeout(limit, scan.as_mut()?).await.ok()?;
    *scan = None;
    Some(ended)
}

impl Source for Files {
    /// Waits for the first scan. After it, scrapes use the cached result.
    fn pull(self: Rc<Self>) -> LocalBoxFuture<'static, ScrapeResult> {
        Box::pin(async move {
            loop {
                let scanned = self.scanned.notified();
                if let Some(result) = self.cached() {
                    return result;
                }
                scanned.await;
            }
        })
    }

    fn waiting_for(&self) -> String {
        FILES_HANG.into()
    }

    fn cached(&self) -> Option<ScrapeResult> {
        self.latest.borrow().clone()
    }

    fn background(self: Rc<Self>) -> Option<LocalBoxFuture<'static, ()>> {
        Some(Box::pin(async move { self.refresh().await }))
    }
}
