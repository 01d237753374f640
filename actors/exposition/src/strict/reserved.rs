//! The sample names that each family reserves: no two families may have samples of the same name.

use crate::fault::{RawFault, shown};
use std::collections::HashMap;

/// The family of each reserved name.
#[derive(Default)]
pub(super) struct ReservedNames {
    families: HashMap<Vec<u8>, Vec<u8>>,
}

impl ReservedNames {
    /// Reserves `name` for `family`; a fault if it is reserved already.
    pub(super) fn reserve(&mut self, at: usize, name: &[u8], family: &[u8]) -> Option<RawFault> {
        let Some(owner) = self.families.get(name) else {
            self.families.insert(name.to_vec(), family.to_vec());
            return None;
        };
        let shown_name = shown(name);
        let message = if owner == name && family == name {
            format!("family `{shown_name}` occurs again: its lines must be in one group")
        } else {
            format!(
                "the name `{shown_name}` already belongs to family `{}`",
                shown(owner)
            )
        };
        Some(RawFault::malformed(at, message))
    }
}
