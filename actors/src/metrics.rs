//! The exporter's own metrics about its selectors.
//!
//! [`Metrics`] registers the families once. [`SelectorMetrics`] holds the handles of one actor
//! and removes the selector's series when the last of them is released. No label has a value
//! from a request: selector names come from the configuration, reasons and states are closed
//! sets.

mod all;
mod description;
mod families;
mod selector;
mod series;
mod state_set;

#[cfg(test)]
mod tests;

pub use all::Metrics;
pub use description::{Description, Type, describe};
pub use selector::SelectorMetrics;
