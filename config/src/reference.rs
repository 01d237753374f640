//! Every key of the configuration as data, for documentation that cannot go stale.
//!
//! The readers own the keys; a test compares this list with what they accept and with the
//! defaults that they apply.

use crate::bridge::Bridge;
use crate::key::Key;
use crate::kind::TABLE_KINDS;
use crate::selector::{Defaults, Selector};
use crate::service::Service;

/// The keys of one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyTable {
    /// The header of the table, without brackets, such as `bridge.selectors.NAME`.
    pub header: &'static str,
    /// The kind of source to which the list applies, for tables of selectors.
    pub kind: Option<&'static str>,
    /// The keys, in the order in which they are read.
    pub keys: Vec<Key>,
}

/// Every key, table by table. Selectors have one table for each kind, complete with the keys
/// that all kinds share.
#[must_use]
pub fn reference() -> Vec<KeyTable> {
    let table = |header, keys| KeyTable {
        header,
        kind: None,
        keys,
    };
    let mut tables = vec![
        table("service", Service::keys()),
        table("bridge", Bridge::KEYS.to_vec()),
        table("bridge.defaults", Defaults::keys()),
    ];
    tables.extend(TABLE_KINDS.iter().map(|kind| KeyTable {
        header: "bridge.selectors.NAME",
        kind: Some(kind.name),
        keys: Selector::keys(kind),
    }));
    tables
}
