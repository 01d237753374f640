//! The settings that selectors of every kind have, read and written in one place.

use super::discovery::Discovery;
use super::limits::Limits;
use crate::access::Access;
use crate::body_policy::BodyPolicy;
use crate::key::Key;
use crate::kind::Caching;
use crate::table::Table;
use crate::write::TableWriter;
use std::time::Duration;

/// The values of `[bridge.defaults]`, for the keys that a selector leaves out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Defaults {
    pub(super) limits: Limits,
    pub(super) body_policy: BodyPolicy,
}

impl Defaults {
    /// The keys of `[bridge.defaults]`.
    pub(crate) fn keys() -> Vec<Key> {
        [Limits::DEFAULTS, BodyPolicy::KEYS].concat()
    }

    /// Reads `[bridge.defaults]`, which the embedded layer has completed.
    pub(crate) fn read(mut table: Table<'_, '_>) -> Self {
        // Replaces a default that is itself an error, so that reading can go on and find the
        // other errors: such a configuration is refused in the end.
        const PLACEHOLDER: Limits = Limits {
            timeout: Duration::ZERO,
            max_bytes: 0,
            max_in_flight: 0,
            refresh: Duration::ZERO,
            min_interval: Duration::ZERO,
        };
        let limits = Limits::read(&mut table, PLACEHOLDER, Caching::Either);
        let body_policy = BodyPolicy::read(&mut table, BodyPolicy::default());
        table.finish();
        Self {
            limits,
            body_policy,
        }
    }

    /// Writes `[bridge.defaults]`.
    pub(super) fn write(&self, table: &mut TableWriter) {
        let Self {
            limits,
            body_policy,
        } = self;
        limits.write(table, Caching::Either);
        body_policy.write(table);
    }
}

/// The settings that selectors of every kind have.
#[derive(Debug)]
pub(super) struct CommonSettings {
    pub(super) limits: Limits,
    pub(super) body_policy: BodyPolicy,
    pub(super) access: Access,
    pub(super) discovery: Discovery,
}

impl CommonSettings {
    /// The keys of a selector whose kind caches in this way.
    pub(super) fn keys(caching: Caching) -> Vec<Key> {
        let policy: Vec<Key> = BodyPolicy::KEYS.iter().map(|key| key.inherited()).collect();
        let caching = Limits::caching_keys(caching);
        [
            Limits::KEYS,
            caching,
            &policy,
            Access::KEYS,
            Discovery::KEYS,
        ]
        .concat()
    }

    pub(super) fn read(table: &mut Table<'_, '_>, defaults: Defaults, caching: Caching) -> Self {
        Self {
            limits: Limits::read(table, defaults.limits, caching),
            body_policy: BodyPolicy::read(table, defaults.body_policy),
            access: Access::read(table),
            discovery: Discovery::read(table),
        }
    }

    /// The settings of a selector without any of these keys.
    pub(super) fn defaults(defaults: Defaults) -> Self {
        Self {
            limits: defaults.limits,
            body_policy: defaults.body_policy,
            access: Access::default(),
            discovery: Discovery::default(),
        }
    }
}
