//! The rounds of reloading, one after the other: read, compare, replace, tell. In
//! between, actors are moved away from threads that do nothing any more.
//!
//! Whatever goes wrong, it goes wrong before anything is replaced.

use super::apply::replace;
use super::outcome::{ReloadError, ReloadResult};
use super::read::{ConfigReader, NewConfig, ReadResult};
use crate::exporter::Running;
use crate::phase::Phase;
use local_exporter_config::{ConfigError, Reload};
use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// How often files are looked at that are to be reloaded when they change.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How long a change has to stay as it is: whoever writes files may not be done yet.
const SETTLE: Duration = Duration::from_secs(1);

/// The rounds.
#[derive(Debug)]
pub(crate) struct ReloadTask<'a> {
    running: &'a Running,
    reader: ConfigReader,
    /// What was decided on last.
    handled: Fingerprint,
}

/// What tells one state of the files from another: the values and what was left out, or what is wrong.
type Fingerprint = Result<(String, Vec<ConfigError>), ReloadError>;

fn fingerprint(found: &ReadResult) -> Fingerprint {
    match found {
        Ok(NewConfig { loaded, .. }) => Ok((loaded.hash.clone(), loaded.warnings.clone())),
        Err(error) => Err(error.clone()),
    }
}

/// What a round begins with.
enum Trigger {
    /// Somebody asked; everything up to this number is answered by it.
    Requested(u64),
    /// The files have changed into this.
    FilesChanged(Box<ReadResult>),
    /// A thread that actors live on does nothing any more.
    Unresponsive,
}

impl<'a> ReloadTask<'a> {
    /// ReloadTask that begin with what was read at the start: its hash, and what was left out.
    pub(crate) fn new(running: &'a Running, read: (String, Vec<ConfigError>)) -> Self {
        Self {
            running,
            reader: ConfigReader::new(running.exporter.reloader.clone()),
            handled: Ok(read),
        }
    }

    /// Reloads whenever there is an trigger. May be dropped at any point: what was not
    /// replaced by then stays.
    pub(crate) async fn run(mut self) -> Infallible {
        let reloader = self.running.exporter.reloader.clone();
        let threads = &self.running.threads;
        let mut asked = reloader.0.requested.subscribe();
        let mut heard = 0;
        loop {
            let trigger = tokio::select! {
                up_to = asked.wait_for(|up_to| *up_to > heard) => match up_to {
                    Ok(up_to) => Trigger::Requested(*up_to),
                    Err(_) => pending().await,
                },
                found = self.change() => Trigger::FilesChanged(Box::new(found)),
                () = threads.unresponsive() => Trigger::Unresponsive,
            };
            match trigger {
                Trigger::Requested(up_to) => {
                    heard = up_to;
                    self.announce(Phase::Reloading);
                    let found = self.read().await;
                    let outcome = self.apply(found).await;
                    reloader.end(up_to, outcome);
                }
                Trigger::FilesChanged(found) => {
                    self.announce(Phase::Reloading);
                    // Nobody waits for an answer; the log has it.
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

    /// Reads the configuration; actors are not left where nothing goes on for that.
    async fn read(&mut self) -> ReadResult {
        let reading = self.reader.read();
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

    /// Resolves when the files are not what was decided on last, and stay so; never
    /// if they are not to be looked at.
    async fn change(&mut self) -> ReadResult {
        if self.running.exporter.settings.load().service.reload == Reload::OnDemand {
            return pending().await;
        }
        let mut before = None;
        loop {
            sleep(before.as_ref().map_or(LOOK_EVERY, |_| SETTLE)).await;
            let found = self.reader.read().await;
            let now = fingerprint(&found);
            before = match before {
                _ if now == self.handled => None,
                Some(before) if before == now => return found,
                _ => Some(now),
            };
        }
    }

    /// Replaces what runs by what was found, if that is right.
    async fn apply(&mut self, found: ReadResult) -> ReloadResult {
        self.handled = fingerprint(&found);
        let metrics = self.running.exporter.metrics.configuration();
        let replaced = match found {
            Ok(read) => replace(self.running, read).await,
            Err(error) => Err(error),
        };
        if let Err(error) = &replaced {
            metrics.refused();
            for error in error.lines() {
                tracing::error!(error, "error in the configuration");
            }
            tracing::error!("not reloaded: the configuration that runs stays");
        }
        replaced
    }
}

/// Moves the actors away from a thread where nothing goes on. Here, since the registry
/// is replaced by one at a time.
fn evacuate(running: &Running) {
    let Running {
        exporter, threads, ..
    } = running;
    let registry = exporter.registry.load_full();
    let reconciliation = registry.evacuate(threads, exporter.metrics.selectors());
    let moved = reconciliation.changes.replaced.len();
    tracing::warn!(
        moved,
        "a thread does nothing any more: its other actors were moved away"
    );
    exporter.registry.store(Arc::new(reconciliation.registry));
}
