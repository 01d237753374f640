//! The exporter's own metrics about its selectors.
//!
//! [`Metrics`] registers the families once. [`SelectorMetrics`] holds the handles of one actor
//! and removes the selector's series when the last of them is released. No label has a value
//! from a request: selector names come from the configuration, reasons and states are closed
//! sets.

mod description;
mod families;
mod selector;
mod series;
mod state_set;

#[cfg(test)]
mod tests;

pub use description::{Description, Type, describe};
pub use selector::SelectorMetrics;

use description::Registrar;
use families::Families;
use prometheus::Registry;
use series::SeriesBySelector;
use std::sync::{Arc, Mutex};

/// The families about selectors. Clones share them.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    families: Families,
    descriptions: Vec<Description>,
    /// The selectors that have handles.
    selectors: Mutex<SeriesBySelector>,
}

impl Metrics {
    /// Registers the families.
    ///
    /// # Errors
    /// If a family with the same name is already registered.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let mut registrar = Registrar::new(registry);
        Ok(Self(Arc::new(Shared {
            families: Families::register(&mut registrar)?,
            descriptions: registrar.into_descriptions(),
            selectors: Mutex::default(),
        })))
    }

    /// Describes every family, including those that have no series yet.
    #[must_use]
    pub fn descriptions(&self) -> &[Description] {
        &self.0.descriptions
    }
}
