//! The settings of a whole configuration: the service and its selectors.
//!
//! The values are checked and immutable. Reading them does not access the host.

use crate::bridge::Bridge;
use crate::error::ExternalError;
use crate::selector::{Defaults, Selector};
use crate::service::Service;
use crate::table::Table;
use crate::variables::ENVIRONMENT_PREFIX;

/// A whole configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The listeners, the pages and their clients.
    pub service: Service,
    /// The selectors, in the order of the text. There may be none.
    pub selectors: Vec<Selector>,
}

/// A check of the files that settings name; an empty list means that they are in order.
pub type ExternalCheck<'o> = &'o dyn Fn(&Settings) -> Vec<ExternalError>;

impl Settings {
    /// Reads the root table. Errors go into its report; settings with errors are not to be used.
    pub(crate) fn read(mut root: Table<'_, '_>) -> Self {
        let service = Service::read(root.table("service"));
        let mut bridge = root.table("bridge");
        root.finish_with(|key| {
            let (table, rest) = key.split_once('_')?;
            let known = ["service", "bridge"].contains(&table);
            let name = rest.to_uppercase();
            known.then(|| {
                format!(
                    "keys are separated by two underscores: {ENVIRONMENT_PREFIX}__{}__{name}",
                    table.to_uppercase()
                )
            })
        });

        let shared = Bridge::read(&mut bridge);
        let defaults = Defaults::read(bridge.table("defaults"));
        let selectors = Selector::read_all(bridge.table("selectors"), &shared, defaults);
        bridge.finish();
        Self { service, selectors }
    }
}
