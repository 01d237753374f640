//! The task that reloads: reads, compares, applies and logs, one reload at a time. Between reloads
//! it moves actors away from unresponsive threads.
//!
//! A reload that fails changes nothing. Only this task replaces the registry.

use super::apply::replace;
use super::read::{ConfigReader, NewConfig, ReadResult};
use crate::exporter::Running;
use crate::phase::Phase;
use crate::reloader::outcome::{ReloadError, ReloadResult};
use local_exporter_config::{ConfigError, Reload};
use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// The interval at which the files are checked for changes, with `auto_reload`.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);
/// The time for which a change must be stable, since several files may be written in sequence.
const SETTLE: Duration = Duration::from_secs(1);

/// Reloads the configuration on request and on changes.
#[derive(Debug)]
pub(crate) struct ReloadTask<'a> {
    running: &'a Running,
    reader: ConfigReader,
    /// The configuration that was applied or rejected last.
    handled: Fingerprint,
}

/// Identifies a state of the files: the hash of the values and the warnings, or the errors.
type Fingerprint = Result<(String, Vec<ConfigError>), ReloadError>;

fn fingerprint(found: &ReadResult) -> Fingerprint {
    match found {
        Ok(NewConfig { loaded, .. }) => Ok((loaded.hash.clone(), loaded.warnings.clone())),
        Err(error) => Err(error.clone()),
    }
}

/// The cause of an iteration.
enum Trigger {
    /// Requests up to this number.
    Requested(u64),
    /// The files changed; this was read.
    FilesChanged(Box<ReadResult>),
    /// An actor thread is unresponsive.
    Unresponsive,
}

impl<'a> ReloadTask<'a> {
    /// A task that starts with the hash and the warnings of the running configuration.
    pub(crate) fn new(running: &'a Running, read: (String, Vec<ConfigError>)) -> Self {
        Self {
            running,
            reader: ConfigReader::new(running.exporter.reloader.clone()),
            handled: Ok(read),
        }
    }

    /// Reloads at every trigger. May be dropped at any point; the running configuration then stays.
    pub(crate) async fn run(mut self) -> Infallible {
        let reloader = self.running.exporter.reloader.clone();
        let threads = &self.running.threads;
        let mut requests = reloader.0.requested.subscribe();
        let mut completed = 0;
        loop {
            let trigger = tokio::select! {
                up_to = requests.wait_for(|up_to| *up_to > completed) => match up_to {
                    Ok(up_to) => Trigger::Requested(*up_to),
                    Err(_) => pending().await,
                },
                found = self.change() => Trigger::FilesChanged(Box::new(found)),
                () = threads.unresponsive() => Trigger::Unresponsive,
            };
            match trigger {
                Trigger::Requested(up_to) => {
                    completed = up_to;
                    self.announce(Phase::Reloading);
                    let found = self.read().await;
                    let outcome = self.apply(found).await;
                    reloader.complete(up_to, outcome);
                }
                Trigger::FilesChanged(found) => {
                    self.announce(Phase::Reloading);
                    // The result is only logged.
                    drop(self.apply(*found).await);
                }
                Trigger::Unresponsive => {
                    evacuate(self.running);
                    continue;
                }
            }
            self.announce(Phase::Serving);
        }
    }

    /// Reads the configuration, and meanwhile handles unresponsive threads.
    async fn read(&mut self) -> ReadResult {
        let exporter = &self.running.exporter;
        let last_valid = exporter.drop_ins.load().last_valid.clone();
        let settings = exporter.settings.load_full();
        let metrics = exporter.metrics.configuration();
        let reading = self.reader.read(last_valid, settings, metrics);
        tokio::pin!(reading);
        loop {
            tokio::select! {
                found = &mut reading => return found,
                () = self.running.threads.unresponsive() => evacuate(self.running),
            }
        }
    }

    fn announce(&self, phase: Phase) {
        self.running.exporter.phase.send_replace(phase);
    }

    /// Resolves with a stable change of the files; never without `auto_reload`.
    async fn change(&mut self) -> ReadResult {
        if self.running.exporter.settings.load().service.reload == Reload::OnDemand {
            return pending().await;
        }
        let mut before = None;
        loop {
            sleep(before.as_ref().map_or(CHECK_INTERVAL, |_| SETTLE)).await;
            let found = self.read().await;
            let now = fingerprint(&found);
            before = match before {
                _ if now == self.handled => None,
                Some(before) if before == now => return found,
                _ => Some(now),
            };
        }
    }

    /// Applies what was read, or logs its errors.
    async fn apply(&mut self, found: ReadResult) -> ReloadResult {
        self.handled = fingerprint(&found);
        let metrics = self.running.exporter.metrics.configuration();
        let replaced = match found {
            Ok(read) => replace(self.running, read).await,
            Err(error) => Err(error),
        };
        if let Err(error) = &replaced {
            metrics.reload_failed();
            for error in error.lines() {
                tracing::error!(error, "configuration error");
            }
            tracing::error!("reload failed; the running configuration stays");
        }
        replaced
    }
}

/// Moves the actors of unresponsive threads to other threads.
fn evacuate(running: &Running) {
    let Running {
        exporter, threads, ..
    } = running;
    let registry = exporter.registry.load_full();
    let reconciliation = registry.evacuate(threads, exporter.metrics.selectors());
    let moved = reconciliation.changes.replaced.len();
    tracing::warn!(
        moved,
        "actor thread is unresponsive; moved its other selectors"
    );
    exporter.registry.store(Arc::new(reconciliation.registry));
}
