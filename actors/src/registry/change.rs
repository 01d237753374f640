//! Compares two lists of selectors. Pure: starts and stops nothing.

use local_exporter_config::Selector;

/// How a selector that is in both lists changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SelectorChange {
    /// Not at all.
    Unchanged,
    /// In its access or discovery settings, which the actor does not use.
    AccessOrDiscovery,
    /// In settings that the actor uses: it needs a new one.
    Actor,
}

impl SelectorChange {
    pub(super) fn between(old: &Selector, new: &Selector) -> Self {
        if old == new {
            return Self::Unchanged;
        }
        let with_old_access = Selector {
            access: old.access.clone(),
            discovery: old.discovery.clone(),
            ..new.clone()
        };
        match *old == with_old_access {
            true => Self::AccessOrDiscovery,
            false => Self::Actor,
        }
    }
}

/// The differences between two registries: names in the order of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Number of selectors that did not change.
    pub kept: usize,
    /// Selectors that keep their actors, with new access or discovery settings.
    pub amended: Vec<String>,
    /// Selectors with a new actor.
    pub replaced: Vec<String>,
    /// Selectors that are new.
    pub added: Vec<String>,
    /// Selectors that were removed.
    pub removed: Vec<String>,
}

impl Changes {
    /// Records how a selector changed; `None` for a new selector.
    pub(super) fn note(&mut self, name: &str, change: Option<SelectorChange>) {
        let names = match change {
            Some(SelectorChange::Unchanged) => return self.kept += 1,
            Some(SelectorChange::AccessOrDiscovery) => &mut self.amended,
            Some(SelectorChange::Actor) => &mut self.replaced,
            None => &mut self.added,
        };
        names.push(name.to_owned());
    }

    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let lists = [&self.amended, &self.replaced, &self.added, &self.removed];
        lists.iter().all(|names| names.is_empty())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;
    use local_exporter_config::{Environment, Input, load};
    use std::time::Duration;

    fn selector() -> Selector {
        let input = Input {
            name: "test".into(),
            text: "[bridge.selectors]\na = { kind = \"uds\", path = \"/run/a\" }\n".into(),
        };
        let settings = load(Some(&input), &Environment::new()).unwrap();
        settings.selectors.into_iter().next().unwrap()
    }

    #[test]
    fn only_settings_that_the_actor_uses_need_a_new_actor() {
        let old = selector();
        assert_eq!(
            SelectorChange::between(&old, &old.clone()),
            SelectorChange::Unchanged
        );

        let mut new = old.clone();
        new.discovery.scrape_interval = Some(Duration::from_secs(5));
        new.access.bearer_token_file = Some("/etc/token".into());
        assert_eq!(
            SelectorChange::between(&old, &new),
            SelectorChange::AccessOrDiscovery
        );

        new.limits.timeout += Duration::from_millis(1);
        assert_eq!(SelectorChange::between(&old, &new), SelectorChange::Actor);

        let mut new = old.clone();
        new.limits.max_in_flight += 1;
        assert_eq!(SelectorChange::between(&old, &new), SelectorChange::Actor);
    }
}
