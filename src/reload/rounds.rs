//! The rounds of reloading, one after the other: read, compare, replace, tell. In
//! between, actors are moved away from threads that do nothing any more.
//!
//! Whatever goes wrong, it goes wrong before anything is replaced. Selectors that
//! are as they were keep all they have; the new actors of others are prepared
//! while the old ones still answer, so that no scrape meets a gap.

use super::reading::{Found, Read, Reading};
use super::{LeftOut, Outcome, Refusal, fixed};
use crate::phase::Phase;
use crate::{Running, descriptors};
use local_exporter_actors::Changes;
use local_exporter_config::{Loaded, Mistake, Reload};
use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// How long the old actors go on for the new ones to have something to answer with.
const PREPARATION: Duration = Duration::from_secs(5);
/// How often files are looked at that are to be reloaded when they change.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How long a change has to stay as it is: whoever writes files may not be done yet.
const SETTLE: Duration = Duration::from_secs(1);
/// The most names of selectors in a line of the log.
const MOST_NAMES: usize = 10;

/// The rounds.
#[derive(Debug)]
pub(crate) struct Rounds<'a> {
    running: &'a Running,
    reading: Reading,
    /// What was decided on last.
    judged: Judged,
}

/// What tells one state of the files from another: the values and what was left out, or what is wrong.
type Judged = Result<(String, Vec<Mistake>), Refusal>;

fn judged(found: &Found) -> Judged {
    match found {
        Ok(Read { loaded, .. }) => Ok((loaded.hash.clone(), loaded.warnings.clone())),
        Err(refusal) => Err(refusal.clone()),
    }
}

/// What a round begins with.
enum Occasion {
    /// Somebody asked; everything up to this number is answered by it.
    Asked(u64),
    /// The files have changed into this.
    Changed(Box<Found>),
    /// A thread that actors live on does nothing any more.
    Held,
}

impl<'a> Rounds<'a> {
    /// Rounds that begin with what was read at the start: its hash, and what was left out.
    pub(crate) fn new(running: &'a Running, read: (String, Vec<Mistake>)) -> Self {
        Self {
            running,
            reading: Reading::new(running.exporter.reloader.clone()),
            judged: Ok(read),
        }
    }

    /// Reloads whenever there is an occasion. May be dropped at any point: what was not
    /// replaced by then stays.
    pub(crate) async fn go_on(mut self) -> Infallible {
        let reloader = self.running.exporter.reloader.clone();
        let arbiters = &self.running.arbiters;
        let mut asked = reloader.0.asked.subscribe();
        let mut heard = 0;
        loop {
            let occasion = tokio::select! {
                upto = asked.wait_for(|upto| *upto > heard) => match upto {
                    Ok(upto) => Occasion::Asked(*upto),
                    Err(_) => pending().await,
                },
                found = self.change() => Occasion::Changed(Box::new(found)),
                () = arbiters.held() => Occasion::Held,
            };
            match occasion {
                Occasion::Asked(upto) => {
                    heard = upto;
                    self.announce(Phase::Reloading);
                    let found = self.read().await;
                    let outcome = self.judge(found).await;
                    reloader.end(upto, outcome);
                }
                Occasion::Changed(found) => {
                    self.announce(Phase::Reloading);
                    // Nobody waits for an answer; the log has it.
                    drop(self.judge(*found).await);
                }
                Occasion::Held => {
                    rescue(self.running);
                    continue;
                }
            }
            self.announce(Phase::Serving);
        }
    }

    /// Reads the configuration; actors are not left where nothing goes on for that.
    async fn read(&mut self) -> Found {
        let reading = self.reading.read();
        tokio::pin!(reading);
        loop {
            tokio::select! {
                found = &mut reading => return found,
                () = self.running.arbiters.held() => rescue(self.running),
            }
        }
    }

    fn announce(&self, phase: Phase) {
        self.running.exporter.phase.send_replace(phase);
    }

    /// Resolves when the files are not what was decided on last, and stay so; never
    /// if they are not to be looked at.
    async fn change(&mut self) -> Found {
        if self.running.exporter.settings.load().service.reload == Reload::OnDemand {
            return pending().await;
        }
        let mut before = None;
        loop {
            sleep(before.as_ref().map_or(LOOK_EVERY, |_| SETTLE)).await;
            let found = self.reading.read().await;
            let now = judged(&found);
            before = match before {
                _ if now == self.judged => None,
                Some(before) if before == now => return found,
                _ => Some(now),
            };
        }
    }

    /// Replaces what runs by what was found, if that is right.
    async fn judge(&mut self, found: Found) -> Outcome {
        self.judged = judged(&found);
        let metrics = self.running.exporter.metrics.configuration();
        let replaced = match found {
            Ok(read) => self.replace(read).await,
            Err(refusal) => Err(refusal),
        };
        if let Err(refusal) = &replaced {
            metrics.refused();
            for mistake in refusal.lines() {
                tracing::error!(mistake, "mistake in the configuration");
            }
            tracing::error!("not reloaded: the configuration that runs stays");
        }
        replaced
    }

    async fn replace(&self, read: Read) -> Outcome {
        let Running {
            exporter,
            arbiters,
            ceiling,
            connections,
        } = self.running;
        let drop_ins_left_out = read.loaded.drop_ins_left_out();
        let Loaded {
            mut settings,
            warnings,
            text,
            hash,
            ..
        } = read.loaded;
        let waiting = fixed::keep(&exporter.settings.load().service, &mut settings.service);
        let limit = descriptors::raise_limit();
        let clients = connections.limits();
        let clients = descriptors::share_again(
            clients,
            settings.service.clients,
            &settings.selectors,
            limit,
        )
        .map_err(Refusal::one)?;

        let running = exporter.roster.load_full();
        let selectors = settings.selectors.clone();
        let renewal = running.renew(selectors, arbiters, exporter.metrics.selectors());
        renewal.prepared(PREPARATION).await;
        // A thread may have been given up meanwhile, and with it some of these.
        let rescued = renewal
            .roster
            .rescue(arbiters, exporter.metrics.selectors());
        exporter.roster.store(Arc::new(rescued.roster));
        exporter.settings.store(Arc::new(settings));
        exporter.text.store(Arc::new(text));
        ceiling.set_limit(clients.max_in_flight);
        connections.set_limits(clients);
        let configuration = exporter.metrics.configuration();
        configuration.loaded(&hash, drop_ins_left_out);

        tell(&renewal.changes);
        for mistake in &warnings {
            tracing::warn!(%mistake, "left out of the configuration");
        }
        if !waiting.is_empty() {
            let keys = waiting.join(", ");
            tracing::warn!(keys, "these take effect after a restart");
        }
        for path in &read.out_of_reach {
            let path = path.display();
            tracing::warn!(%path, "out of reach until a restart: the process is confined by Landlock");
        }
        Ok(LeftOut::of(&warnings))
    }
}

/// Moves the actors away from a thread where nothing goes on. Here, since the roster
/// is replaced by one at a time.
fn rescue(running: &Running) {
    let Running {
        exporter, arbiters, ..
    } = running;
    let roster = exporter.roster.load_full();
    let renewal = roster.rescue(arbiters, exporter.metrics.selectors());
    let moved = renewal.changes.replaced.len();
    tracing::warn!(
        moved,
        "a thread does nothing any more: its other actors were moved away"
    );
    exporter.roster.store(Arc::new(renewal.roster));
}

fn tell(changes: &Changes) {
    tracing::info!(
        kept = changes.kept,
        amended = listed(&changes.amended),
        replaced = listed(&changes.replaced),
        added = listed(&changes.added),
        removed = listed(&changes.removed),
        "configuration reloaded"
    );
}

/// Names for a line of the log; absent when there are none.
fn listed(names: &[String]) -> Option<String> {
    let shown = names.get(..MOST_NAMES).unwrap_or(names).join(", ");
    match names.len().saturating_sub(MOST_NAMES) {
        0 => Some(shown).filter(|shown| !shown.is_empty()),
        more => Some(format!("{shown} and {more} more")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_log_names_a_few() {
        let names = |count: usize| (0..count).map(|n| format!("s{n}")).collect::<Vec<_>>();
        assert_eq!(listed(&names(0)), None);
        assert_eq!(listed(&names(2)).as_deref(), Some("s0, s1"));
        let many = listed(&names(2000));
        let many = many.as_deref().unwrap_or_default();
        assert!(many.ends_with("s8, s9 and 1990 more"), "{many}");
    }
}
