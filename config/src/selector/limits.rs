//! The limits of a selector: time, size, concurrency and the age of what is cached.

use crate::key::Key;
use crate::kind::Caching;
use crate::table::Table;
use crate::value::measure::{Bytes, Count, DurationOrZero};
use crate::write::TableWriter;
use std::time::Duration;

/// The limits of one selector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest a scrape may take. A scraper may ask for less, not for more.
    pub timeout: Duration,
    /// The size of the largest body, in bytes. A larger one is an error; it is not truncated.
    pub max_bytes: usize,
    /// How many scrapes may wait for the selector at the same time.
    pub max_in_flight: usize,
    /// How often files are checked that no event has reported as changed. Zero for kinds that
    /// do not read files.
    pub refresh: Duration,
    /// The age up to which a body is served again without asking the daemon; zero means never.
    /// Zero for kinds that only read files.
    pub min_interval: Duration,
}

const TIMEOUT: Key = Key::with_default::<Duration>(
    "timeout",
    "\"3s\"",
    "The longest a scrape may take. A scraper that announces a shorter timeout gets its \
     response `timeout_offset` before that.",
);
const MAX_BYTES: Key = Key::with_default::<Bytes>(
    "max_bytes",
    "\"16MiB\"",
    "The size of the largest body. A larger one is an error; bodies are never truncated.",
);
const MAX_IN_FLIGHT: Key = Key::with_default::<Count>(
    "max_in_flight",
    "64",
    "How many scrapes may wait for one selector at the same time.",
);
const REFRESH: Key = Key::with_default::<Duration>(
    "refresh",
    "\"15s\"",
    "How often files are checked that no event has reported as changed.",
);
const MIN_INTERVAL: Key = Key::with_default::<DurationOrZero>(
    "min_interval",
    "\"0s\"",
    "The age up to which a body is served again without asking the daemon.",
);

impl Limits {
    /// The keys of `[bridge.defaults]`.
    pub(crate) const DEFAULTS: &[Key] = &[TIMEOUT, MAX_BYTES, MAX_IN_FLIGHT, REFRESH, MIN_INTERVAL];
    /// The keys of selectors of every kind.
    pub(crate) const KEYS: &[Key] = &[
        TIMEOUT.inherited(),
        MAX_BYTES.inherited(),
        MAX_IN_FLIGHT.inherited(),
    ];

    /// The keys that depend on how a kind caches.
    pub(crate) const fn caching_keys(caching: Caching) -> &'static [Key] {
        match caching {
            Caching::Unknown => &[],
            Caching::Files => const { &[REFRESH.inherited()] },
            Caching::OnDemand => const { &[MIN_INTERVAL.inherited()] },
            Caching::Either => const { &[REFRESH.inherited(), MIN_INTERVAL.inherited()] },
        }
    }

    /// Reads the limits of a kind; `defaults` supplies the keys that are left out.
    pub(crate) fn read(table: &mut Table<'_, '_>, defaults: Self, caching: Caching) -> Self {
        let timeout = table.take("timeout");
        let max_bytes = table.take::<Bytes>("max_bytes");
        let max_in_flight = table.take::<Count>("max_in_flight");
        let (files, on_demand) = (caching.has_files(), caching.is_on_demand());
        let refresh = files.then(|| table.take("refresh").unwrap_or(defaults.refresh));
        let min_interval = on_demand.then(|| {
            let min_interval = table.take::<DurationOrZero>("min_interval");
            min_interval.map_or(defaults.min_interval, |span| span.0)
        });
        Self {
            timeout: timeout.unwrap_or(defaults.timeout),
            max_bytes: max_bytes.map_or(defaults.max_bytes, |bytes| bytes.0),
            max_in_flight: max_in_flight.map_or(defaults.max_in_flight, |count| count.0),
            refresh: refresh.unwrap_or_default(),
            min_interval: min_interval.unwrap_or_default(),
        }
    }

    pub(crate) fn write(&self, table: &mut TableWriter, caching: Caching) {
        let Self {
            timeout,
            max_bytes,
            max_in_flight,
            refresh,
            min_interval,
        } = self;
        table.put("timeout", timeout);
        table.put("max_bytes", max_bytes);
        table.put("max_in_flight", max_in_flight);
        table.put_some("refresh", Some(refresh).filter(|_| caching.has_files()));
        let min_interval = Some(min_interval).filter(|_| caching.is_on_demand());
        table.put_some("min_interval", min_interval);
    }
}
