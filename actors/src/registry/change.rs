//! What a new list of selectors changes: pure comparison.

use local_exporter_config::Selector;

/// What became of a selector that is in both lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing.
    Nothing,
    /// Who may ask for it, or what Prometheus is told of it: no business of its actor.
    Terms,
    /// What its actor works with.
    Source,
}

impl Change {
    pub(super) fn between(old: &Selector, new: &Selector) -> Self {
        if old == new {
            return Self::Nothing;
        }
        let on_old_terms = Selector {
            access: old.access.clone(),
            discovery: old.discovery.clone(),
            ..new.clone()
        };
        match *old == on_old_terms {
            true => Self::Terms,
            false => Self::Source,
        }
    }
}

/// What a reconciliation changed, by names in the order of their configurations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// How many are as they were.
    pub kept: usize,
    /// Those whose actors stay, while who may ask or what Prometheus is told is new.
    pub amended: Vec<String>,
    /// Those that have new actors.
    pub replaced: Vec<String>,
    /// Those that were not there.
    pub added: Vec<String>,
    /// Those that are not there any more.
    pub removed: Vec<String>,
}

impl Changes {
    /// Notes what became of a selector, `None` for one that was not there.
    pub(super) fn note(&mut self, name: &str, change: Option<Change>) {
        let names = match change {
            Some(Change::Nothing) => return self.kept += 1,
            Some(Change::Terms) => &mut self.amended,
            Some(Change::Source) => &mut self.replaced,
            None => &mut self.added,
        };
        names.push(name.to_owned());
    }

    /// Whether all is as it was.
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
    fn only_what_the_actor_works_with_asks_for_a_new_one() {
        let old = selector();
        assert_eq!(Change::between(&old, &old.clone()), Change::Nothing);

        let mut new = old.clone();
        new.discovery.scrape_interval = Some(Duration::from_secs(5));
        new.access.bearer_token_file = Some("/etc/token".into());
        assert_eq!(Change::between(&old, &new), Change::Terms);

        new.limits.timeout += Duration::from_millis(1);
        assert_eq!(Change::between(&old, &new), Change::Source);

        let mut new = old.clone();
        new.limits.max_in_flight += 1;
        assert_eq!(Change::between(&old, &new), Change::Source);
    }
}
