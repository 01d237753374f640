//! The budget of file descriptors.
//!
//! Pure arithmetic, except [`raise_limit`]. The limits on clients are reduced until all descriptors of
//! clients and sources fit below the limit of open files, with a reserve, so running out of descriptors
//! is prevented. (If the limit is lowered while the process runs, accepting pauses, sources fail with
//! `io`, and both continue once descriptors are available again.)

use crate::http::connections::RESERVE;
use local_exporter_actors::{GUARANTEED, source};
use local_exporter_config::{ClientLimits, Selector};
use rustix::process::{Resource, getrlimit, setrlimit};

/// The descriptors of the process itself: standard streams, listeners, signals, the inotify instance,
/// the pollers and wakers of a dozen threads, and the files that `/metrics` reads.
const OWN: u64 = 112;
/// The most background tasks that have files open at the same time.
const MAX_BACKGROUND_TASKS: usize = 64;
/// The least number of connections, and of concurrent scrapes, that is useful.
const MIN_CLIENTS: u64 = 16;

/// Raises the soft limit of open files to the hard limit, if permitted, and returns the resulting
/// limit; `None` is unlimited. (The soft limit is low for programs that use select(2).)
#[must_use]
pub(crate) fn raise_limit() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let mut raised = limit;
    raised.current = limit.maximum;
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    }
}

/// Reduces the limits on clients proportionally until all descriptors fit below `limit`.
///
/// # Errors
/// If not even the minimum fits; the message has the limit that is needed.
pub(crate) fn fit_limits(
    wanted: ClientLimits,
    selectors: &[Selector],
    limit: Option<u64>,
) -> Result<ClientLimits, String> {
    let Some(limit) = limit else {
        return Ok(wanted);
    };
    let connections = wanted.max_connections as u64;
    let scrapes = wanted.max_in_flight as u64;
    let base = base(selectors);
    let minimum = (MIN_CLIENTS.min(connections), MIN_CLIENTS.min(scrapes));
    let needed = base + minimum.0 + minimum.1;
    if limit < needed {
        return Err(too_low(limit, needed));
    }
    let left = limit - base - guaranteed(selectors).min(limit - needed);
    if connections + scrapes <= left {
        return Ok(wanted);
    }
    let part = left * scrapes / (connections + scrapes);
    let scrapes = part.clamp(minimum.1, left - minimum.0);
    let connections = left - scrapes;
    tracing::warn!(
        limit,
        max_connections = connections,
        max_in_flight = scrapes,
        "the limit of open files is too low for the configured limits; using lower ones"
    );
    let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    Ok(ClientLimits {
        max_connections: number(connections),
        max_in_flight: number(scrapes),
        ..wanted
    })
}

/// [`fit_limits`] for a reload: the number of connections is fixed, so only the number of scrapes is
/// reduced.
///
/// # Errors
/// If not even the minimum of scrapes fits; the message has the limit that is needed.
pub(crate) fn refit_limits(
    running: ClientLimits,
    wanted: ClientLimits,
    selectors: &[Selector],
    limit: Option<u64>,
) -> Result<ClientLimits, String> {
    let max_connections = running.max_connections;
    let wanted = ClientLimits {
        max_connections,
        ..wanted
    };
    let Some(limit) = limit else {
        return Ok(wanted);
    };
    let scrapes = wanted.max_in_flight as u64;
    let needed = base(selectors) + max_connections as u64;
    let minimum = needed + MIN_CLIENTS.min(scrapes);
    if limit < minimum {
        return Err(too_low(limit, minimum));
    }
    let left = limit - needed - guaranteed(selectors).min(limit - minimum);
    if left < scrapes {
        tracing::warn!(
            limit,
            max_in_flight = left,
            "the limit of open files is too low for the configured limits; using lower ones"
        );
    }
    Ok(ClientLimits {
        max_in_flight: usize::try_from(left.min(scrapes)).unwrap_or(usize::MAX),
        ..wanted
    })
}

fn too_low(limit: u64, needed: u64) -> String {
    format!(
        "the limit of open files is {limit}, but at least {needed} are needed (ulimit -n, LimitNOFILE=)"
    )
}

/// The descriptors of scrapes that are admitted beyond `service.max_in_flight`. If the limit of open
/// files is too low for all of them, as many as fit are kept free.
fn guaranteed(selectors: &[Selector]) -> u64 {
    (selectors.len() * GUARANTEED) as u64
}

/// The descriptors that are independent of clients: those that sources keep open, and those of their
/// background tasks.
fn base(selectors: &[Selector]) -> u64 {
    let needs = selectors.iter();
    let needs = needs.map(|selector| source::descriptors(&selector.source));
    let (kept, mut background): (Vec<u64>, Vec<u64>) =
        needs.map(|needs| (needs.kept, needs.background)).unzip();
    background.sort_unstable();
    let background = background.iter().rev().take(MAX_BACKGROUND_TASKS);
    OWN + RESERVE as u64 + kept.iter().sum::<u64>() + background.sum::<u64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn wanted(max_connections: usize, max_in_flight: usize) -> ClientLimits {
        ClientLimits {
            max_connections,
            max_in_flight,
            max_unread: 1,
            header_timeout: Duration::from_secs(1),
            idle_timeout: Duration::from_secs(1),
        }
    }

    fn shared(wanted: ClientLimits, limit: Option<u64>) -> Option<(usize, usize)> {
        let shared = fit_limits(wanted, &[], limit).ok()?;
        Some((shared.max_connections, shared.max_in_flight))
    }

    #[test]
    fn limits_that_fit_stay() {
        let usual = wanted(4096, 1024);
        assert_eq!(shared(usual, None), Some((4096, 1024)));
        assert_eq!(shared(usual, Some(1 << 20)), Some((4096, 1024)));
        let exactly = OWN + RESERVE as u64 + 4096 + 1024;
        assert_eq!(shared(usual, Some(exactly)), Some((4096, 1024)));
    }

    #[test]
    fn limits_that_do_not_fit_are_reduced_proportionally() {
        let (connections, scrapes) = shared(wanted(4096, 1024), Some(1024)).unwrap();
        assert!(
            connections + scrapes <= 1024 - 144,
            "{connections} {scrapes}"
        );
        assert_eq!((connections, scrapes), (704, 176));
        // A limit below the minimum stays.
        assert_eq!(shared(wanted(4096, 3), Some(1024)), Some((877, 3)));
        assert_eq!(shared(wanted(3, 4096), Some(1024)), Some((3, 877)));
    }

    #[test]
    fn a_limit_that_is_too_low_is_an_error_with_the_needed_limit() {
        let error = fit_limits(wanted(4096, 1024), &[], Some(64)).unwrap_err();
        assert!(
            error.contains("is 64, but at least 176 are needed"),
            "{error}"
        );
        assert!(fit_limits(wanted(4096, 1024), &[], Some(176)).is_ok());
    }

    #[test]
    fn at_a_reload_the_connections_stay_and_the_scrapes_are_reduced() {
        let again = |wanted_scrapes, limit| {
            let running = wanted(704, 176);
            let shared = refit_limits(running, wanted(9, wanted_scrapes), &[], Some(limit));
            shared.map(|shared| (shared.max_connections, shared.max_in_flight))
        };
        assert_eq!(again(100, 1024), Ok((704, 100)));
        assert_eq!(again(4096, 1024), Ok((704, 176)));
        assert_eq!(again(3, 851), Ok((704, 3)));
        let error = again(4096, 851).unwrap_err();
        assert!(
            error.contains("is 851, but at least 864 are needed"),
            "{error}"
        );
    }
}
