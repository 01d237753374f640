//! How many descriptors the process may have open, and what they are kept for.
//!
//! Pure arithmetic but for [`raise_limit`]. What clients and sources may open is
//! bounded such that it fits below the limit with something in reserve: running
//! out of descriptors is prevented, not handled. (Where the limit is lowered
//! under a running process, accepting pauses and sources fail with `io`, and
//! both go on when there are descriptors again.)

use crate::http::connections::RESERVE;
use local_exporter_actors::source;
use local_exporter_config::{ClientLimits, Selector};
use rustix::process::{Resource, getrlimit, setrlimit};

/// What the process itself has open: standard streams, listeners, signals, the
/// inotify instance, the polls and wakers of a dozen threads, and the files that
/// `/metrics` reads.
const OWN: u64 = 112;
/// The most background tasks that have files open at once.
const BACKGROUND_TASKS: usize = 64;
/// Fewer connections, or fewer scrapes at once, would be of no use.
const FEWEST: u64 = 16;

/// Raises the soft limit of open files to the hard one, as far as that is
/// allowed, and returns what holds then; `None` is no limit at all. (The soft
/// one is low for programs that use select(2), which this does not.)
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

/// What clients may take such that all fits below the limit of open files: what
/// was wanted, or less in equal measure.
///
/// # Errors
/// When not even the least would fit, with the limit that is needed.
pub(crate) fn share_out(
    wanted: ClientLimits,
    selectors: &[Selector],
    limit: Option<u64>,
) -> Result<ClientLimits, String> {
    let Some(limit) = limit else {
        return Ok(wanted);
    };
    let connections = wanted.max_connections as u64;
    let scrapes = wanted.max_in_flight as u64;
    let fixed = fixed(selectors);
    let left = limit.saturating_sub(fixed);
    if connections + scrapes <= left {
        return Ok(wanted);
    }
    let fewest = (FEWEST.min(connections), FEWEST.min(scrapes));
    let needed = fixed + fewest.0 + fewest.1;
    if limit < needed {
        return Err(too_low(limit, needed));
    }
    let part = left * scrapes / (connections + scrapes);
    let scrapes = part.clamp(fewest.1, left - fewest.0);
    let connections = left - scrapes;
    tracing::warn!(
        limit,
        max_connections = connections,
        max_in_flight = scrapes,
        "the limit of open files allows less than was configured"
    );
    let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    Ok(ClientLimits {
        max_connections: number(connections),
        max_in_flight: number(scrapes),
        ..wanted
    })
}

/// [`share_out`] for other limits and selectors while connections may come already,
/// whose number stays: what is left of the rest is for scrapes.
///
/// # Errors
/// When not even the fewest scrapes would fit, with the limit that is needed.
pub(crate) fn share_again(
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
    let needed = fixed(selectors) + max_connections as u64;
    let left = limit.saturating_sub(needed);
    if left < FEWEST.min(scrapes) {
        return Err(too_low(limit, needed + FEWEST.min(scrapes)));
    }
    if left < scrapes {
        tracing::warn!(
            limit,
            max_in_flight = left,
            "the limit of open files allows less than was configured"
        );
    }
    Ok(ClientLimits {
        max_in_flight: usize::try_from(left.min(scrapes)).unwrap_or(usize::MAX),
        ..wanted
    })
}

fn too_low(limit: u64, needed: u64) -> String {
    format!(
        "the limit of open files is {limit}, at least {needed} are needed (ulimit -n, LimitNOFILE=)"
    )
}

/// What is needed independently of clients: what sources keep open, and what they open in their
/// background tasks.
fn fixed(selectors: &[Selector]) -> u64 {
    let needs = selectors.iter();
    let needs = needs.map(|selector| source::descriptors(&selector.source));
    let (kept, mut background): (Vec<u64>, Vec<u64>) =
        needs.map(|needs| (needs.kept, needs.background)).unzip();
    background.sort_unstable();
    let background = background.iter().rev().take(BACKGROUND_TASKS);
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
            header_timeout: Duration::from_secs(1),
            idle_timeout: Duration::from_secs(1),
        }
    }

    fn shared(wanted: ClientLimits, limit: Option<u64>) -> Option<(usize, usize)> {
        let shared = share_out(wanted, &[], limit).ok()?;
        Some((shared.max_connections, shared.max_in_flight))
    }

    #[test]
    fn what_fits_stays_as_it_was_wanted() {
        let usual = wanted(4096, 1024);
        assert_eq!(shared(usual, None), Some((4096, 1024)));
        assert_eq!(shared(usual, Some(1 << 20)), Some((4096, 1024)));
        let exactly = OWN + RESERVE as u64 + 4096 + 1024;
        assert_eq!(shared(usual, Some(exactly)), Some((4096, 1024)));
    }

    #[test]
    fn what_does_not_fit_becomes_less_in_equal_measure() {
        let (connections, scrapes) = shared(wanted(4096, 1024), Some(1024)).unwrap();
        assert!(
            connections + scrapes <= 1024 - 144,
            "{connections} {scrapes}"
        );
        assert_eq!((connections, scrapes), (704, 176));
        // What is few already stays.
        assert_eq!(shared(wanted(4096, 3), Some(1024)), Some((877, 3)));
        assert_eq!(shared(wanted(3, 4096), Some(1024)), Some((3, 877)));
    }

    #[test]
    fn too_little_is_refused_with_what_is_needed() {
        let error = share_out(wanted(4096, 1024), &[], Some(64)).unwrap_err();
        assert!(error.contains("is 64, at least 176 are needed"), "{error}");
        assert!(share_out(wanted(4096, 1024), &[], Some(176)).is_ok());
    }

    #[test]
    fn connections_that_may_come_already_leave_the_rest_to_scrapes() {
        let again = |wanted_scrapes, limit| {
            let running = wanted(704, 176);
            let shared = share_again(running, wanted(9, wanted_scrapes), &[], Some(limit));
            shared.map(|shared| (shared.max_connections, shared.max_in_flight))
        };
        assert_eq!(again(100, 1024), Ok((704, 100)));
        assert_eq!(again(4096, 1024), Ok((704, 176)));
        assert_eq!(again(3, 851), Ok((704, 3)));
        let error = again(4096, 851).unwrap_err();
        assert!(error.contains("is 851, at least 864 are needed"), "{error}");
    }
}
