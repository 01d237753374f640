//! The samples in `testdata`: a `good-*.toml` loads as the expected settings, an
//! `invalid-*.toml` has exactly the errors in the `.out` file of the same name.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod everything;

use local_exporter_config::{
    BodyPolicy, Bus, ClientLimits, Confinement, DbusSource, Environment, FileOptions, FileSource,
    Input, Listen, ListenAddress, Listeners, Settings, Source, Tls, UdsSource, load,
};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

fn sample(name: &str) -> Input {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata")
        .join(name);
    Input {
        name: name.to_owned(),
        text: fs::read_to_string(path).unwrap(),
    }
}

fn tcp(address: ListenAddress, port: u16) -> Listeners {
    Listeners::Configured(vec![Listen::Tcp(address, port)])
}

/// The errors of loading, one per line.
fn errors(file: &Input, environment: &Environment) -> String {
    load(Some(file), environment).unwrap_err().to_string() + "\n"
}

#[test]
fn each_invalid_sample_has_exactly_the_errors_of_its_out_file() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let mut tried = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !name.starts_with("invalid-") || !name.ends_with(".toml") {
            continue;
        }
        let found = errors(&sample(&name), &Environment::new());
        let out_file = folder.join(name.replace(".toml", ".out"));
        // UPDATE_SAMPLES=1 writes the errors that are found, to be reviewed and committed.
        if std::env::var_os("UPDATE_SAMPLES").is_some() {
            fs::write(&out_file, &found).unwrap();
        }
        let expected = fs::read_to_string(&out_file).unwrap_or_default();
        assert_eq!(found, expected, "{name}");
        tried += 1;
    }
    assert!(tried > 20, "only {tried} samples were found");
}

#[test]
fn a_configuration_of_the_predecessor_works_unchanged() {
    let settings = load(Some(&sample("good-predecessor.toml")), &Environment::new()).unwrap();
    let address = ListenAddress::One("127.0.0.1".parse().unwrap());
    assert_eq!(settings.service.listeners, tcp(address, 9598));

    let expected = [
        Source::File(FileSource {
            paths: vec![PathBuf::from("/run/daemon1/public/metrics.promfile")],
            options: FileOptions::default(),
        }),
        Source::Uds(UdsSource {
            path: PathBuf::from("/run/daemon2/public/metrics.promsock"),
        }),
        Source::Dbus(DbusSource {
            bus: Bus::Address("unix:path=/host/run/dbus/system_bus_socket".into()),
            destination: "com.github.lucab.Prombus".into(),
            path: "/com/github/lucab/Prombus".into(),
            interface: "com.github.lucab.Prombus.Observable".into(),
            member: "PromMetrics".into(),
            auto_start: false,
            auth_uid: None,
        }),
    ];
    let sources = settings.selectors.iter().map(|selector| &selector.source);
    assert!(sources.eq(&expected), "{settings:?}");
    let names = settings.selectors.iter().map(|selector| &*selector.name);
    assert!(names.eq(["daemon1", "daemon2", "daemon3"]));
    for selector in &settings.selectors {
        assert_eq!(selector.limits.timeout, Duration::from_secs(3));
        assert_eq!(selector.limits.max_bytes, 16 << 20);
        let refresh = match selector.source {
            Source::File(_) => Duration::from_secs(15),
            Source::Uds(_) | Source::Dbus(_) | Source::Directory(_) => Duration::ZERO,
        };
        assert_eq!(selector.limits.refresh, refresh);
        assert_eq!(selector.limits.min_interval, Duration::ZERO);
        assert_eq!(selector.body_policy, BodyPolicy::default());
    }
}

#[test]
fn the_defaults_have_no_selector_and_listen_on_every_address() {
    let settings: Settings = load(None, &Environment::new()).unwrap();
    assert_eq!(settings.service.listeners, tcp(ListenAddress::Every, 9598));
    let clients = ClientLimits {
        max_connections: 4096,
        max_in_flight: 1024,
        max_unread: 32 << 20,
        header_timeout: Duration::from_secs(10),
        idle_timeout: Duration::from_secs(90),
    };
    assert_eq!(settings.service.clients, clients);
    assert_eq!(settings.service.confinement, Confinement::Landlock);
    assert_eq!(settings.service.timeout_offset, Duration::from_millis(500));
    assert_eq!(settings.service.paths.telemetry, "/metrics");
    assert_eq!(settings.service.tls, Tls::Unspecified);
    assert_eq!(settings.selectors, []);
}

#[test]
fn a_file_that_cannot_be_read_is_one_error() {
    let (kind, errors) = Input::read(Path::new("/nonexistent/config.toml")).unwrap_err();
    assert_eq!(kind, std::io::ErrorKind::NotFound);
    let text = errors.to_string();
    assert!(
        text.starts_with("/nonexistent/config.toml: No such file"),
        "{text}"
    );
}
