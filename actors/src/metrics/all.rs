//! All families about selectors, registered once.

use super::description::{Description, Registrar};
use super::families::Families;
use super::series::SeriesBySelector;
use prometheus::Registry;
use std::sync::{Arc, Mutex};

/// The families about selectors. Clones share them.
#[derive(Clone, Debug)]
pub struct Metrics(pub(super) Arc<AllFamilies>);

#[derive(Debug)]
pub(super) struct AllFamilies {
    pub(super) families: Families,
    descriptions: Vec<Description>,
    /// The selectors that have handles.
    pub(super) selectors: Mutex<SeriesBySelector>,
}

impl Metrics {
    /// Registers the families.
    ///
    /// # Errors
    /// If a family with the same name is already registered.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let mut registrar = Registrar::new(registry);
        Ok(Self(Arc::new(AllFamilies {
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
