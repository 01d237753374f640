//! Applies a newly loaded configuration and logs the differences.
//!
//! Unchanged selectors keep their actors, caches and connections. New actors are prepared while the
//! old ones still serve scrapes, so that no scrape fails because of a reload.

use super::drop_ins;
use super::read::NewConfig;
use super::restart_only;
use crate::exporter::Running;
use crate::http::access;
use crate::process::descriptors;
use crate::reloader::outcome::{ReloadError, ReloadResult, Warnings};
use local_exporter_actors::Changes;
use local_exporter_config::{Loaded, shown};
use std::sync::Arc;
use std::time::Duration;

/// The time that new actors get to fill their caches before they replace the old ones.
const PREPARATION: Duration = Duration::from_secs(5);
/// The most selector names in a log line.
const MAX_NAMES: usize = 10;

/// Replaces the running configuration, if there are enough file descriptors.
pub(super) async fn replace(running: &Running, read: NewConfig) -> ReloadResult {
    let Running {
        exporter,
        threads,
        global_limit,
        connections,
    } = running;
    let Loaded {
        mut settings,
        warnings,
        writable,
        text,
        hash,
        drop_ins,
        ..
    } = read.loaded;
    let waiting =
        restart_only::keep_running_values(&exporter.settings.load().service, &mut settings.service);
    let limit = descriptors::raise_limit();
    let clients = connections.limits();
    let clients = descriptors::refit_limits(
        clients,
        settings.service.clients,
        &settings.selectors,
        limit,
    )
    .map_err(ReloadError::one)?;

    let old = exporter.registry.load_full();
    let selectors = settings.selectors.clone();
    threads.secret_files().set(access::secret_files(&settings));
    let reconciliation = old.reconcile(selectors, threads, exporter.metrics.selectors());
    reconciliation.ready(PREPARATION).await;
    // Meanwhile a thread with some of these actors may have become unresponsive.
    let evacuated = reconciliation
        .registry
        .evacuate(threads, exporter.metrics.selectors());
    exporter.registry.store(Arc::new(evacuated.registry));
    exporter.settings.store(Arc::new(settings));
    exporter.text.store(Arc::new(text));
    global_limit.set_limit(clients.max_in_flight);
    connections.set_limits(clients);
    let configuration = exporter.metrics.configuration();
    configuration.loaded(&hash, &drop_ins);

    log(&reconciliation.changes);
    drop_ins::log(&warnings, &drop_ins, &writable);
    let warnings = Warnings::of(&warnings, &drop_ins);
    exporter.drop_ins.store(Arc::new(drop_ins));
    if !waiting.is_empty() {
        let keys = waiting.join(", ");
        tracing::warn!(keys, "changed keys take effect after a restart");
    }
    for path in &read.out_of_reach {
        let path = shown(path);
        tracing::warn!(%path, "not readable until a restart: Landlock allows only the paths known at startup");
    }
    Ok(warnings)
}

fn log(changes: &Changes) {
    tracing::info!(
        kept = changes.kept,
        amended = listed(&changes.amended),
        replaced = listed(&changes.replaced),
        added = listed(&changes.added),
        removed = listed(&changes.removed),
        "configuration reloaded"
    );
}

/// Names for a log line; `None` if there are none.
pub(crate) fn listed(names: &[String]) -> Option<String> {
    let shown = names.get(..MAX_NAMES).unwrap_or(names).join(", ");
    match names.len().saturating_sub(MAX_NAMES) {
        0 => Some(shown).filter(|shown| !shown.is_empty()),
        more => Some(format!("{shown} and {more} more")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_line_has_at_most_ten_names() {
        let names = |count: usize| (0..count).map(|n| format!("s{n}")).collect::<Vec<_>>();
        assert_eq!(listed(&names(0)), None);
        assert_eq!(listed(&names(2)).as_deref(), Some("s0, s1"));
        let many = listed(&names(2000));
        let many = many.as_deref().unwrap_or_default();
        assert!(many.ends_with("s8, s9 and 1990 more"), "{many}");
    }
}
