//! A selector as TOML that loads as the same selector, with every default in its place.
//!
//! Written from the settings in force, not from the text they came from. No key of a selector
//! has a secret as its value: files that hold one are named, not read.

use super::Selector;
use super::common::Defaults;
use crate::kind::Written;
use crate::write::TableWriter;

impl Selector {
    /// The selector as a whole TOML document: its own keys and those of `[bridge]` that it
    /// depends on. Loaded on its own, the document gives this selector.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let Self {
            name,
            source,
            limits,
            body_policy,
            access,
            discovery,
        } = self;
        let mut bridge = TableWriter::default();
        let mut selectors = TableWriter::default();
        match source.write(&mut bridge) {
            Written::Table(mut table, caching) => {
                limits.write(&mut table, caching);
                body_policy.write(&mut table);
                access.write(&mut table);
                discovery.write(&mut table);
                selectors.put_table(name, table);
            }
            // A bare directory has no keys, so only the defaults can set its limits. Access and
            // discovery cannot be set for it.
            Written::Path(path) => {
                let defaults = Defaults {
                    limits: *limits,
                    body_policy: *body_policy,
                };
                let mut table = TableWriter::default();
                defaults.write(&mut table);
                bridge.put_table("defaults", table);
                selectors.put(name, &path);
            }
        }
        bridge.put_table("selectors", selectors);
        let mut document = TableWriter::default();
        document.put_table("bridge", bridge);
        document.into_text()
    }
}
