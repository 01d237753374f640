//! The keys of `[service]` that take effect only after a restart: pure comparison.
//!
//! Listeners are opened and privileges dropped before the first thread starts; the server fixes its
//! paths and the number of its connections at startup.

use local_exporter_config::{ClientLimits, Paths, Service};

/// Resets these keys in `wanted` to their running values. Returns the names of those that differed.
///
/// The destructuring is exhaustive: a new key does not compile until it is assigned to a group.
pub(super) fn keep_running_values(running: &Service, wanted: &mut Service) -> Vec<&'static str> {
    let Service {
        listeners,
        paths,
        web_config,
        tls,
        clients,
        confinement,
        readable,
        // A reload applies these.
        lifecycle: _,
        reload: _,
        timeout_offset: _,
        access: _,
        drop_ins: _,
    } = wanted;
    let Paths {
        telemetry,
        prefix,
        external: _,
    } = paths;
    let ClientLimits {
        max_connections,
        max_in_flight: _,
        max_unread: _,
        header_timeout: _,
        idle_timeout: _,
    } = clients;
    let mut kept = Kept::default();
    kept.compare("listen", &running.listeners, listeners);
    kept.compare("telemetry_path", &running.paths.telemetry, telemetry);
    kept.compare("route_prefix", &running.paths.prefix, prefix);
    kept.compare("web_config_file", &running.web_config, web_config);
    kept.compare("tls", &running.tls, tls);
    let running_connections = &running.clients.max_connections;
    kept.compare("max_connections", running_connections, max_connections);
    kept.compare("landlock", &running.confinement, confinement);
    kept.compare("readable", &running.readable, readable);
    kept.0
}

/// The keys whose running values were kept.
#[derive(Debug, Default)]
struct Kept(Vec<&'static str>);

impl Kept {
    fn compare<T: Clone + PartialEq>(&mut self, key: &'static str, running: &T, wanted: &mut T) {
        if running != wanted {
            self.0.push(key);
            wanted.clone_from(running);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;
    use local_exporter_config::{Environment, Input, TakesEffect, load, reference};
    use std::collections::BTreeSet;

    fn service(text: &str) -> Service {
        let input = Input {
            name: "test".into(),
            text: format!("[service]\n{text}"),
        };
        load(Some(&input), &Environment::new()).unwrap().service
    }

    /// Every key that needs a restart: its name in the reference, a value, and its name in the log.
    const RESTART: [(&str, &str, &str); 11] = [
        ("listen", "listen = [\":1\"]", "listen"),
        ("address", "address = \"127.0.0.1\"", "listen"),
        ("port", "port = 1", "listen"),
        ("systemd_socket", "systemd_socket = true", "listen"),
        (
            "telemetry_path",
            "telemetry_path = \"/m\"",
            "telemetry_path",
        ),
        ("route_prefix", "route_prefix = \"/x\"", "route_prefix"),
        (
            "web_config_file",
            "web_config_file = \"/web.yml\"",
            "web_config_file",
        ),
        ("tls", "tls = false", "tls"),
        ("max_connections", "max_connections = 7", "max_connections"),
        ("landlock", "landlock = false", "landlock"),
        ("readable", "readable = \"/srv\"", "readable"),
    ];

    #[test]
    fn the_reference_agrees_on_the_keys_that_need_a_restart() {
        let tables = reference();
        let table = tables.iter().find(|table| table.header == "service");
        let keys = table.unwrap().keys.iter();
        let documented: BTreeSet<_> = keys
            .filter(|key| key.takes_effect == TakesEffect::Restart)
            .map(|key| key.name)
            .collect();
        assert_eq!(documented, RESTART.map(|(key, _, _)| key).into());
    }

    #[test]
    fn each_of_them_keeps_its_running_value_and_is_named() {
        let running = service("");
        for (key, text, logged) in RESTART {
            let mut wanted = service(text);
            assert_eq!(
                keep_running_values(&running, &mut wanted),
                [logged],
                "{key}"
            );
            assert_eq!(wanted, running, "{key}");
        }
    }

    #[test]
    fn several_changed_keys_are_named_in_order() {
        let running = service("");
        let mut wanted = service(
            "port = 1\ntelemetry_path = \"/m\"\nweb_config_file = \"/web.yml\"\ntls = true\n\
             max_connections = 7\nlandlock = false\n",
        );
        assert_eq!(
            keep_running_values(&running, &mut wanted),
            [
                "listen",
                "telemetry_path",
                "web_config_file",
                "tls",
                "max_connections",
                "landlock"
            ]
        );
        assert_eq!(wanted, running);
    }

    #[test]
    fn a_reload_applies_all_other_keys() {
        let running = service("");
        let text = "lifecycle = true\nauto_reload = true\ntimeout_offset = \"1s\"\n\
                    max_in_flight = 7\nmax_unread = 9\nheader_timeout = \"1s\"\nidle_timeout = \"2s\"\n\
                    external_url = \"http://example.org\"\nallow_from = [\"10.0.0.0/8\"]\n\
                    strict_dropins = true\n";
        let mut wanted = service(text);
        // The default of the route prefix is the path of the external URL.
        assert_eq!(keep_running_values(&running, &mut wanted), [""; 0]);
        assert_eq!(wanted, service(text));
    }
}
