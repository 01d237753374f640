//! The precedence of the layers: embedded default, file, environment, flags. Drop-ins need
//! directories; their tests are with `Layers`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod errors;
mod listeners;

use local_exporter_config::{
    Environment, ExternalUrl, Flag, FlagValue, Flags, Layers, Lifecycle, Listen, ListenAddress,
    Listeners, Presence, Service, Settings, Tls,
};
use proptest::prelude::*;
use std::fs;

/// The layers of a test.
#[derive(Clone, Debug, Default)]
struct Given {
    file: String,
    environment: Vec<(&'static str, String)>,
    flags: Vec<(&'static str, &'static str, FlagValue)>,
}

impl Given {
    fn of(file: &str) -> Self {
        Self {
            file: file.to_owned(),
            ..Self::default()
        }
    }

    /// A variable by its name without the prefix.
    fn variable(mut self, name: &'static str, value: &str) -> Self {
        self.environment.push((name, value.to_owned()));
        self
    }

    /// A flag for a key of `[service]`.
    fn flag(mut self, name: &'static str, key: &'static str, value: FlagValue) -> Self {
        self.flags.push((name, key, value));
        self
    }

    /// The settings, or every error, with `FILE` for the file's name.
    fn read(&self) -> Result<Settings, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        fs::write(&file, &self.file).unwrap();
        let name = file.to_str().unwrap().to_owned();
        let variable =
            |(name, value): &(&str, String)| (format!("LOCAL_EXPORTER__{name}"), value.clone());
        let flag = |(name, key, value): &(&'static str, &'static str, FlagValue)| Flag {
            name,
            key: ("service", key),
            value: value.clone(),
        };
        let layers = Layers {
            file,
            presence: Presence::Required,
            drop_ins: Vec::new(),
            drop_ins_presence: Presence::Optional,
            environment: self
                .environment
                .iter()
                .map(variable)
                .collect::<Environment>(),
            flags: Flags(self.flags.iter().map(flag).collect()),
        };
        let loaded = layers.load();
        let loaded = loaded.map_err(|errors| errors.to_string().replace(&name, "FILE"));
        loaded.map(|loaded| loaded.settings)
    }

    fn service(&self) -> Service {
        self.read().unwrap().service
    }

    fn listeners(&self) -> Listeners {
        self.service().listeners
    }
}

fn text(text: &str) -> FlagValue {
    FlagValue::Text(text.to_owned())
}

#[test]
fn flags_take_precedence_over_the_environment_and_that_over_the_file() {
    let layers = Given::of("[service]\nmax_in_flight = 1\n");
    assert_eq!(layers.service().clients.max_in_flight, 1);
    let layers = layers.variable("SERVICE__MAX_IN_FLIGHT", "2");
    assert_eq!(layers.service().clients.max_in_flight, 2);
    let layers = layers.flag("--web.max-requests", "max_in_flight", FlagValue::Number(3));
    assert_eq!(layers.service().clients.max_in_flight, 3);
    // An invalid value in a higher layer does not make a lower one take effect.
    let layers = Given::of("").flag("--web.max-requests", "max_in_flight", FlagValue::Number(0));
    let expected = "--web.max-requests: service.max_in_flight: the number 0, \
                    expected a whole number from 1 to 65536";
    assert_eq!(layers.read().unwrap_err(), expected);
}

#[test]
fn lists_and_strings_in_variables_are_written_as_in_toml() {
    let layers = Given::of("[bridge.selectors.a]\nkind = \"file\"\npath = \"/a\"\n")
        .variable("SERVICE__LISTEN", "[\":1\", \"[::1]:2\"]")
        .variable("BRIDGE__SELECTORS__A__LABELS__RACK", "'7'")
        .variable("BRIDGE__SELECTORS__A__LABELS__ON", "\"true\"")
        .variable("BRIDGE__SELECTORS__A__PATTERN", "[ab]*.prom");
    let settings = layers.read().unwrap();
    let Listeners::Configured(listens) = &settings.service.listeners else {
        unreachable!("the sockets of systemd were not configured");
    };
    assert_eq!(listens.len(), 2);
    let labels = &settings.selectors[0].discovery.labels;
    let expected = [("on", "true"), ("rack", "7")];
    assert!(
        labels
            .iter()
            .map(|(name, value)| (&**name, &**value))
            .eq(expected),
        "{labels:?}"
    );
    // A string that only looks like a list stays a string.
    let layers = Given::of("").variable("SERVICE__LISTEN", "[::1]:2");
    let one = ListenAddress::One("::1".parse().unwrap());
    assert_eq!(
        layers.listeners(),
        Listeners::Configured(vec![Listen::Tcp(one, 2)])
    );
    // Without quotes it is a number, which no label can be.
    let layers = Given::of("[bridge.selectors.a]\nkind = \"uds\"\npath = \"/a\"\n");
    let layers = layers.variable("BRIDGE__SELECTORS__A__LABELS__RACK", "7");
    let found = layers.read().unwrap_err();
    assert!(
        found.contains("labels.rack: the number 7, expected a string"),
        "{found}"
    );
}

#[test]
fn the_default_prefix_is_the_path_of_the_external_url() {
    let paths = |text: &str| Given::of(&format!("[service]\n{text}\n")).service().paths;
    let url = "external_url = \"https://proxy.example/exporter/\"";
    assert_eq!(paths(url).prefix, "/exporter");
    assert_eq!(paths(&format!("{url}\nroute_prefix = \"/\"")).prefix, "");
    assert_eq!(
        paths(&format!("{url}\nroute_prefix = \"other\"")).prefix,
        "/other"
    );
    assert_eq!(paths("route_prefix = \"/alone\"").prefix, "/alone");
    assert_eq!(paths("").prefix, "");
    let external = ExternalUrl {
        scheme: "https",
        authority: "proxy.example".into(),
        path: "/exporter".into(),
    };
    assert_eq!(paths(url).external, Some(external));
}

#[test]
fn tls_without_a_certificate_is_refused() {
    let tls = |text: &str| Given::of(&format!("[service]\n{text}\n")).read();
    let read = |text: &str| tls(text).unwrap().service.tls;
    assert_eq!(read(""), Tls::Unspecified);
    assert_eq!(read("tls = false"), Tls::Forbidden);
    assert_eq!(read("tls = true\nweb_config_file = \"/w\""), Tls::Required);
    let expected = "FILE:2:7: service.tls: true without a certificate, \
                    expected a `web_config_file` that names one, or false";
    assert_eq!(tls("tls = true").unwrap_err(), expected);
    // An empty flag removes the file.
    let layers = Given::of("[service]\nweb_config_file = \"/w\"\nlifecycle = true\n");
    let layers = layers.flag("--web.config.file", "web_config_file", text(""));
    assert_eq!(layers.service().web_config, None);
    assert_eq!(layers.service().lifecycle, Lifecycle::Enabled);
}

proptest! {
    /// The last layer that sets a key takes precedence.
    #[test]
    fn the_highest_layer_that_sets_a_key_takes_precedence(
        file in proptest::option::of(1_u32..=65_536),
        variable in proptest::option::of(1_u32..=65_536),
        flag in proptest::option::of(1_u32..=65_536),
    ) {
        let mut layers = Given::default();
        if let Some(count) = file {
            layers = Given::of(&format!("[service]\nmax_in_flight = {count}\n"));
        }
        if let Some(count) = variable {
            layers = layers.variable("SERVICE__MAX_IN_FLIGHT", &count.to_string());
        }
        if let Some(count) = flag {
            layers = layers.flag("--web.max-requests", "max_in_flight", FlagValue::Number(count));
        }
        let expected = flag.or(variable).or(file).unwrap_or(1024);
        prop_assert_eq!(u32::try_from(layers.service().clients.max_in_flight), Ok(expected));
    }
}
