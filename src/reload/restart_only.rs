//! What cannot change while the process runs: pure comparison.
//!
//! Listeners and rights are taken once, before there is a thread; URLs and seats
//! are laid out for the server as it starts.

use local_exporter_config::Service;

/// Puts what is fixed back to what it is, and returns the keys whose new values
/// have to wait for a restart.
pub(super) fn keep(running: &Service, wanted: &mut Service) -> Vec<&'static str> {
    let mut waiting = Vec::new();
    let mut fixed = |key, differs: bool| waiting.extend(differs.then_some(key));
    fixed("listen", running.listeners != wanted.listeners);
    wanted.listeners.clone_from(&running.listeners);
    fixed(
        "telemetry_path",
        running.paths.telemetry != wanted.paths.telemetry,
    );
    fixed("route_prefix", running.paths.prefix != wanted.paths.prefix);
    wanted.paths.telemetry.clone_from(&running.paths.telemetry);
    wanted.paths.prefix.clone_from(&running.paths.prefix);
    fixed("web_config_file", running.web_config != wanted.web_config);
    wanted.web_config.clone_from(&running.web_config);
    fixed("tls", running.tls != wanted.tls);
    wanted.tls = running.tls;
    let clients = (&running.clients, &mut wanted.clients);
    fixed(
        "max_connections",
        clients.0.max_connections != clients.1.max_connections,
    );
    clients.1.max_connections = clients.0.max_connections;
    fixed("landlock", running.confinement != wanted.confinement);
    wanted.confinement = running.confinement;
    waiting
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;
    use local_exporter_config::{Environment, Input, load};

    fn service(text: &str) -> Service {
        let input = Input {
            name: "test".into(),
            text: format!("[service]\n{text}"),
        };
        load(Some(&input), &Environment::new()).unwrap().service
    }

    #[test]
    fn what_is_fixed_stays_and_is_named() {
        let running = service("");
        let mut wanted = service(
            "port = 1\ntelemetry_path = \"/m\"\nweb_config_file = \"/web.yml\"\ntls = true\n\
             max_connections = 7\nlandlock = false\n",
        );
        assert_eq!(
            keep(&running, &mut wanted),
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
    fn everything_else_changes() {
        let running = service("");
        let text = "lifecycle = true\nauto_reload = true\ntimeout_offset = \"1s\"\n\
                    max_in_flight = 7\nheader_timeout = \"1s\"\nidle_timeout = \"2s\"\n\
                    external_url = \"http://example.org\"\nallow_from = [\"10.0.0.0/8\"]\n\
                    strict_dropins = true\n";
        let mut wanted = service(text);
        // The path of the external URL is the prefix, unless that is given.
        assert_eq!(keep(&running, &mut wanted), [""; 0]);
        assert_eq!(wanted, service(text));
    }
}
