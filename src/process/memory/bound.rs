//! The most memory that a configuration can need: the formula of `docs/src/limits.md`. Pure arithmetic.

use local_exporter_actors::source;
use local_exporter_config::{Selector, Settings};

/// The process without clients and bodies: its code, its threads, and the structures of the allocator.
const PROCESS: u64 = 24 << 20;
/// The most memory for a connection without responses. Its client pipelines requests.
const CONNECTION: u64 = 130 << 10;
/// The most memory for a selector besides its bodies: its actor, its metrics, and the status of 4096
/// files.
const SELECTOR: u64 = 2 << 20;

/// The bound in bytes.
pub(super) fn of(settings: &Settings) -> u64 {
    let clients = settings.service.clients;
    let connections = in_bytes(clients.max_connections).saturating_mul(CONNECTION);
    let selectors = settings.selectors.iter().map(of_selector);
    let unread = in_bytes(clients.max_unread);
    let fixed = PROCESS.saturating_add(connections).saturating_add(unread);
    selectors.fold(fixed, u64::saturating_add)
}

fn of_selector(selector: &Selector) -> u64 {
    let bodies = u64::from(source::bodies(&selector.source));
    let body = in_bytes(selector.limits.max_bytes);
    SELECTOR.saturating_add(bodies.saturating_mul(body))
}

fn in_bytes(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;
    use local_exporter_config::{Environment, Input, load};

    fn bound(text: &str) -> u64 {
        let input = Input {
            name: "test".into(),
            text: text.into(),
        };
        of(&load(Some(&input), &Environment::new()).unwrap())
    }

    #[test]
    fn the_bound_grows_with_connections_and_with_the_bodies_of_selectors() {
        let clients = "[service]\nmax_connections = 100\n[bridge.defaults]\nmax_bytes = \"1MiB\"\n";
        let empty = bound(clients);
        let one = bound(&format!("{clients}[bridge.selectors]\na = \"/a\"\n"));
        let two = bound(&format!(
            "{clients}[bridge.selectors]\na = \"/a\"\nb = \"/b\"\n"
        ));
        assert_eq!(two - one, one - empty);
        assert!(one - empty > 1 << 20);
        let more = clients.replace("100", "200");
        assert_eq!(bound(&more) - empty, 100 * CONNECTION);
        let more = clients.replace("[service]", "[service]\nmax_unread = \"33MiB\"");
        assert_eq!(bound(&more) - empty, 1 << 20);
    }

    #[test]
    fn the_configuration_of_the_daemonset_fits_its_limit() {
        let manifest = include_str!("../../../deploy/daemonset.yaml");
        let (_, config) = manifest.split_once("config.toml: |\n").unwrap();
        let lines = config.lines().take_while(|line| *line != "---");
        let text: Vec<&str> = lines.map(str::trim_start).collect();
        let limit = manifest.lines().find_map(|line| {
            let limit = line.trim().strip_prefix("limits: { memory: ")?;
            limit.strip_suffix("Mi }")?.parse().ok()
        });
        let limit: u64 = limit.unwrap();
        let needed = bound(&text.join("\n"));
        assert!(needed <= limit << 20, "{} MiB", needed >> 20);
    }
}
