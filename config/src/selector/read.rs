//! From `[bridge.selectors]` to selectors, every error reported.
//!
//! The keys of a kind are read by its module, the others by `common`.

use super::Selector;
use super::common::{CommonSettings, Defaults};
use crate::bridge::Bridge;
use crate::key::Key;
use crate::kind::{Caching, DirectorySource, Source, TABLE_KINDS, TableKind};
use crate::table::{Named, Table};

const NAME_EXPECTED: &str = "a name that is not empty and has no control characters";
const KIND: Key = Key::required::<&TableKind>("kind", "The kind of source.");

impl Selector {
    /// The keys of a selector of one kind, in the order in which they are read.
    pub(crate) fn keys(kind: &TableKind) -> Vec<Key> {
        [&[KIND], kind.keys, &CommonSettings::keys(kind.caching)].concat()
    }

    /// Reads `[bridge.selectors]`. A selector with an error is omitted.
    pub(crate) fn read_all(table: Table<'_, '_>, bridge: &Bridge, defaults: Defaults) -> Vec<Self> {
        let mut selectors = Vec::new();
        for (name, named) in table.into_named() {
            if name.is_empty() || name.chars().any(char::is_control) {
                named.reject(format!("the name {name:?}"), NAME_EXPECTED);
            }
            let read = match named {
                Named::Single(single) => single.read::<DirectorySource>().map(|directory| {
                    let source = Source::Directory(directory);
                    (source, CommonSettings::defaults(defaults))
                }),
                Named::Table(table) => read_table(table, bridge, defaults),
            };
            selectors.extend(read.map(|(source, common)| Self::new(name, source, common)));
        }
        selectors
    }

    fn new(name: String, source: Source, common: CommonSettings) -> Self {
        let CommonSettings {
            limits,
            body_policy,
            access,
            discovery,
        } = common;
        Self {
            name,
            source,
            limits,
            body_policy,
            access,
            discovery,
        }
    }
}

/// Reads one selector that is a table.
fn read_table(
    mut table: Table<'_, '_>,
    bridge: &Bridge,
    defaults: Defaults,
) -> Option<(Source, CommonSettings)> {
    if !table.contains("kind")
        && let Some(inner) = table.table_with("kind")
    {
        let name = format!("{}.{inner}", table.name());
        let found = format!("a table in the selector `{}`", table.name().escape_debug());
        let expected = format!("quotes around a name with a dot: [bridge.selectors.{name:?}]");
        table.reject_valid(&inner, found, &expected);
        return None;
    }
    let Some(kind) = table.require::<&TableKind>("kind") else {
        // It is not known which keys of a kind are right; the common ones are checked anyway.
        table.ignore(&keys_of_kinds());
        CommonSettings::read(&mut table, defaults, Caching::Unknown);
        table.finish();
        return None;
    };
    let source = (kind.read)(&mut table, bridge);
    let common = CommonSettings::read(&mut table, defaults, kind.caching);
    table.finish_with(|key| {
        let owner = TABLE_KINDS.iter().find(|other| has_key(other, key))?;
        Some(format!("it is a key of kind `{}`", owner.name))
    });
    Some((source?, common))
}

/// Whether a key belongs to a kind.
fn has_key(kind: &TableKind, key: &str) -> bool {
    let caching = super::Limits::caching_keys(kind.caching);
    kind.keys.iter().chain(caching).any(|own| own.name == key)
}

/// The keys that only some kinds have, each once.
fn keys_of_kinds() -> Vec<&'static str> {
    let own = TABLE_KINDS.iter().flat_map(|kind| kind.keys);
    let either = super::Limits::caching_keys(Caching::Either);
    let mut names: Vec<&str> = Vec::new();
    for key in own.chain(either) {
        if !names.contains(&key.name) {
            names.push(key.name);
        }
    }
    names
}
