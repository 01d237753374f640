//! The precedence of the layers: embedded default, file, environment, flags. Drop-ins need
//! directories; their tests are with `Layers`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

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

fn every(ports: &[u16]) -> Listeners {
    let listen = |port: &u16| Listen::Tcp(ListenAddress::Every, *port);
    Listeners::Configured(ports.iter().map(listen).collect())
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
fn an_error_names_its_layer() {
    let layers = Given::of("[service]\nport = true\n")
        .variable("SERVICE__LANDLOCK", "perhaps")
        .flag("--web.telemetry-path", "telemetry_path", text("metrics"))
        .flag("--web.enable-lifecycle", "lifecycle", FlagValue::Given);
    let expected = [
        "FILE:2:8: service.port: the boolean true, expected a port number from 0 (any free one) to 65535",
        "environment LOCAL_EXPORTER__SERVICE__LANDLOCK: service.landlock: \"perhaps\", expected true or false",
        "--web.telemetry-path: service.telemetry_path: \"metrics\", \
         expected an absolute path such as \"/metrics\" that is not another page of the exporter",
    ];
    assert_eq!(layers.read().unwrap_err(), expected.join("\n"));
}

#[test]
fn an_error_in_an_element_of_a_list_names_its_flag_or_variable() {
    let wrong = FlagValue::Texts(vec![":1".into(), "localhost:2".into()]);
    let layers = Given::of("[service]\nlisten = \":0\"\n")
        .variable("SERVICE__ALLOW_FROM", "[\"::1\", \"all\"]")
        .flag("--web.listen-address", "listen", wrong);
    let found = layers.read().unwrap_err();
    let lines: Vec<_> = found.lines().collect();
    assert_eq!(lines.len(), 2, "{found}");
    let variable =
        "environment LOCAL_EXPORTER__SERVICE__ALLOW_FROM: service.allow_from[1]: \"all\"";
    assert!(lines[0].starts_with(variable), "{found}");
    let flag = "--web.listen-address: service.listen[1]: \"localhost:2\"";
    assert!(lines[1].starts_with(flag), "{found}");
}

#[test]
fn the_last_layer_that_describes_listeners_replaces_all_others() {
    let old = Given::of("[service]\naddress = \"127.0.0.1\"\nport = 1\n");
    let new = Given::of("[service]\nlisten = [\":1\", \":2\"]\n");
    assert_eq!(new.listeners(), every(&[1, 2]));
    let listen = |layers: Given| layers.variable("SERVICE__LISTEN", ":3");
    assert_eq!(listen(old.clone()).listeners(), every(&[3]));
    assert_eq!(listen(new.clone()).listeners(), every(&[3]));
    let port = |layers: Given| layers.variable("SERVICE__PORT", "4");
    assert_eq!(port(new.clone()).listeners(), every(&[4]));
    let address = ListenAddress::One("127.0.0.1".parse().unwrap());
    let kept = Listeners::Configured(vec![Listen::Tcp(address, 4)]);
    assert_eq!(port(old.clone()).listeners(), kept);
    let flags = FlagValue::Texts(vec![":5".into(), ":6".into()]);
    for layers in [
        old.clone(),
        new.clone(),
        port(old.clone()),
        port(new.clone()),
    ] {
        let layers = layers.flag("--web.listen-address", "listen", flags.clone());
        assert_eq!(layers.listeners(), every(&[5, 6]));
    }
    // Both in one layer are ambiguous.
    let found = port(listen(old)).read().unwrap_err();
    let expected = "environment LOCAL_EXPORTER__SERVICE__LISTEN: service.listen: \
                    `listen` together with `address` or `port`, expected only one of the two";
    assert_eq!(found, expected);
}

#[test]
fn the_sockets_of_systemd_replace_all_others() {
    let layers = Given::of("[service]\nlisten = \":1\"\n");
    let layers = layers.flag("--web.systemd-socket", "systemd_socket", FlagValue::Given);
    assert_eq!(layers.listeners(), Listeners::Systemd);
    // Unused keys are checked as well.
    let layers = Given::of("[service]\nport = -1\nsystemd_socket = true\n");
    assert!(
        layers
            .read()
            .unwrap_err()
            .starts_with("FILE:2:8: service.port")
    );
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
