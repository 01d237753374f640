//! What scrapes and reads of the source report to the status.

use super::Status;
use super::source_log::FileEvent;
use crate::lock::lock;
use crate::report::CacheReport;
use crate::scrape::ScrapeResult;
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

    /// The source was read. Logs only a change between success and failure, or of the reason.
    /// Called within the span of the actor, which names the selector.
    pub(crate) fn source_read(&self, result: &ScrapeResult) {
        match result {
            Ok(exposition) => {
                let now = SystemTime::now();
                let since_epoch = now.duration_since(SystemTime::UNIX_EPOCH);
                let seconds = since_epoch.unwrap_or_default().as_secs_f64();
                let bytes = exposition.body.len();
                let newest = exposition.summary.newest_timestamp_ms;
                self.metrics.source_succeeded(bytes, seconds, newest);
                let failures = lock(&self.inner).source.succeeded(bytes, now);
                if let Some(failures) = failures {
                    tracing::info!(failures, "source recovered");
                }
            }
            Err(error) => {
                self.metrics.source_failed();
                if lock(&self.inner).source.failed(error) {
                    let reason = error.reason.as_str();
                    let error = error.message.as_str();
                    tracing::warn!(reason, error, "source failed");
                }
            }
        }
    }

    /// The cache of a file source was compared with its files.
    pub(crate) fn cache_checked(&self, report: CacheReport) {
        self.metrics.files_checked(&report);
        let events = lock(&self.inner).source.cache_checked(report);
        for event in events {
            match event {
                FileEvent::Failed { served, error } => {
                    let error = error.message;
                    match served {
                        true => tracing::warn!(
                            error,
                            "file has an error; its last valid contents are served for a while"
                        ),
                        false => {
                            tracing::warn!(error, "file has an error; left out wholly or partly");
                        }
                    }
                }
                FileEvent::Recovered(path) => {
                    tracing::info!(path = %path.display(), "file recovered");
                }
            }
        }
        self.age_metrics();
        // Fails after the first time, when it is already set.
        let _ = self.cache_filled.set(());
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
