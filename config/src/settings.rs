//! What the whole configuration says: the service, and which selectors there are.
//!
//! Values here are checked and immutable; reading them may not touch the host.

use crate::bridge::Bridge;
use crate::error::ExternalError;
use crate::selector::{Defaults, Selector};
use crate::service::Service;
use crate::table::Table;

/// A whole configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where to listen, what to serve there, to whom.
    pub service: Service,
    /// The selectors, in the order of the text; none is fine.
    pub selectors: Vec<Selector>,
}

/// A check of the files that settings name; an empty list means that they are in order.
pub type ExternalCheck<'o> = &'o dyn Fn(&Settings) -> Vec<ExternalError>;

impl Settings {
    /// Reads the root table; what is wrong is in the table's report, and stands for nothing here.
    pub(crate) fn read(mut root: Table<'_, '_>) -> Self {
        let service = Service::read(root.table("service"));
        let mut bridge = root.table("bridge");
        root.finish();

        let shared = Bridge::read(&mut bridge);
        let defaults = Defaults::read(bridge.table("defaults"));
        let selectors = Selector::read_all(bridge.table("selectors"), &shared, defaults);
        bridge.finish();
        Self { service, selectors }
    }
}
