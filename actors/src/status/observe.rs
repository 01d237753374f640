//! What scrapes and reads of the source report to the status.

use super::Status;
use super::file_events::{FileEvent, file_events};
use super::source_log::SourceEvent;
use crate::lock::lock;
use crate::report::CacheReport;
use crate::scrape::ScrapeResult;
use local_exporter_config::shown;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

impl Status {
    /// A scrape ended after `took`.
    pub(crate) fn scraped(&self, took: Duration, result: &ScrapeResult) {
        let error = result.as_ref().err();
        self.metrics
            .scraped(took.as_secs_f64(), error.map(|error| error.reason));
        if let Some(error) = error {
            lock(&self.inner).source.scrape_failed(error);
        }
    }

    /// The source was read. Logs only a change between success and failure, or of the reason, at
    /// a limited rate. Called within the span of the actor, which names the selector.
    pub(crate) fn source_read(&self, result: &ScrapeResult) {
        let event = match result {
            Ok(exposition) => {
                let now = SystemTime::now();
                let since_epoch = now.duration_since(SystemTime::UNIX_EPOCH);
                let seconds = since_epoch.unwrap_or_default().as_secs_f64();
                let bytes = exposition.body.len();
                let newest = exposition.summary.newest_timestamp_ms;
                self.metrics.source_succeeded(bytes, seconds, newest);
                lock(&self.inner).source.succeeded(bytes, now)
            }
            Err(error) => {
                self.metrics.source_failed();
                lock(&self.inner).source.failed(error)
            }
        };
        match (event, result) {
            (Some(SourceEvent::Failed(line)), Err(error)) => {
                let suppressed = line.suppressed();
                let reason = error.reason.as_str();
                let error = &*self.disclosure.message(error.reason, &error.message);
                tracing::warn!(reason, error, suppressed, "source failed");
            }
            (Some(SourceEvent::Recovered(failures, line)), _) => {
                let suppressed = line.suppressed();
                tracing::info!(failures, suppressed, "source recovered");
            }
            _ => {}
        }
    }

    /// The cache of a file source was compared with its files. Everything that depends on the
    /// number of files happens outside the lock, for which scrapes and pages wait.
    pub(crate) fn cache_checked(&self, report: CacheReport) {
        self.metrics.files_checked(&report);
        let report = Arc::new(report);
        let before = lock(&self.inner).source.cache_report();
        self.log_files(&file_events(before.as_deref(), &report), &report);
        if self.disclosure.shows_names() {
            log_duplicates(before.as_deref(), &report);
        }
        let replaced = lock(&self.inner).source.replace_cache_report(report);
        drop((before, replaced));
        self.age_metrics();
        // Fails after the first time, when it is already set.
        let _ = self.cache_filled.set(());
    }

    /// Logs changes of files at a limited rate, or how many files have errors after changes that
    /// were not logged.
    fn log_files(&self, events: &[FileEvent<'_>], report: &CacheReport) {
        let (allowed, line) = self.file_changes.events(events.len());
        let overdue = match events {
            [] => self.file_changes.overdue(),
            _ => line.filter(|line| line.suppressed().is_some()),
        };
        for event in events.iter().take(allowed) {
            match event {
                FileEvent::Failed { served, error } => {
                    let error = self.disclosure.message(error.reason, &error.message);
                    log_failed_file(*served, &error);
                }
                FileEvent::Recovered(path) => {
                    tracing::info!(path = %shown(&path), "file recovered");
                }
            }
        }
        if let Some(line) = overdue {
            let suppressed = line.suppressed();
            let with_errors = report.files.iter().filter(|file| file.error.is_some());
            let with_errors = with_errors.count();
            tracing::warn!(
                suppressed,
                with_errors,
                "changes of files were not logged individually"
            );
        }
    }

    /// Resolves when the cache of the source was filled for the first time, with a body or an
    /// error.
    pub(crate) async fn cache_filled(&self) {
        self.cache_filled.wait().await;
    }

    /// Updates the metrics that change with time.
    pub(crate) fn age_metrics(&self) {
        let oldest = lock(&self.inner).source.oldest_file();
        if let Some(oldest) = oldest {
            // A modification time in the future is reported as age zero.
            let age = SystemTime::now().duration_since(oldest).unwrap_or_default();
            self.metrics.file_aged(age.as_secs_f64());
        }
    }
}

/// Logs the series that are left out as duplicates, if they are not those of the look before.
fn log_duplicates(before: Option<&CacheReport>, report: &CacheReport) {
    let same = before.is_some_and(|before| before.duplicates == report.duplicates);
    if same || !tracing::enabled!(tracing::Level::DEBUG) {
        return;
    }
    for duplicate in &report.duplicates {
        tracing::debug!(duplicate, "series left out because an earlier file has it");
    }
}

fn log_failed_file(served: bool, error: &str) {
    match served {
        true => tracing::warn!(
            error,
            "file has an error; its last valid contents are served for a while"
        ),
        false => tracing::warn!(error, "file has an error; left out wholly or partly"),
    }
}
