//! Each key and each kind of listener is read.

use super::{sample, tcp};
use local_exporter_config::{
    Access, BodyPolicy, Bus, Check, ClientLimits, Confinement, DirectorySource, Discovery, DropIns,
    Environment, Escaping, ExternalUrl, FileOptions, FileSource, FollowLinks, FormatChoice, IpNet,
    Lifecycle, Listen, ListenAddress, Listeners, Paths, Reload, Service, Source, Timestamps, Tls,
    UnixListen, VsockListen, load,
};
use std::path::PathBuf;
use std::time::Duration;

#[test]
fn every_key_is_read_and_selectors_keep_their_order() {
    let settings = load(Some(&sample("good-everything.toml")), &Environment::new()).unwrap();
    let names: Vec<_> = settings.selectors.iter().map(|s| &*s.name).collect();
    assert_eq!(names, ["Zeta.with.dots", "session", "own-bus", "alpha"]);
    let clients = ClientLimits {
        max_connections: 100,
        max_in_flight: 7,
        max_unread: 1 << 20,
        header_timeout: Duration::from_secs(2),
        idle_timeout: Duration::from_secs(60),
    };
    let network = |address: &str, prefix| {
        let address = address.parse().unwrap();
        IpNet::new(address, prefix).unwrap()
    };
    let service = Service {
        listeners: tcp(ListenAddress::One("::1".parse().unwrap()), 0),
        paths: Paths {
            telemetry: "/own/metrics".into(),
            prefix: "/inside".into(),
            external: Some(ExternalUrl {
                scheme: "https",
                authority: "exporter.example:9443".into(),
                path: "/outside".into(),
            }),
        },
        web_config: Some("/etc/local-exporter/web.yml".into()),
        tls: Tls::Required,
        lifecycle: Lifecycle::Enabled,
        reload: Reload::OnChange,
        timeout_offset: Duration::ZERO,
        clients,
        access: Access {
            bearer_token_file: Some("/etc/local-exporter/token".into()),
            allow_from: vec![network("10.0.0.0", 8), network("::1", 128)],
        },
        confinement: Confinement::Off,
        readable: vec!["/srv".into(), "/var/lib".into()],
        drop_ins: DropIns::Strict,
    };
    assert_eq!(settings.service, service);
    let [directory, session, own_bus, alpha] = &settings.selectors[..] else {
        unreachable!("four names were just compared");
    };
    assert_eq!(
        directory.source,
        Source::Directory(DirectorySource {
            path: "/run/daemon1/public".into(),
            socket: "/run/daemon1/public/metrics.promsock".into(),
        })
    );
    assert_eq!(directory.limits.timeout, Duration::from_millis(1500));
    assert_eq!(directory.limits.max_bytes, 2 << 20);
    assert_eq!(directory.limits.max_in_flight, 4);
    assert_eq!(directory.limits.refresh, Duration::from_secs(60));
    let bus = |settings: &local_exporter_config::Selector| match &settings.source {
        Source::Dbus(dbus) => {
            assert_eq!(dbus.auth_uid, Some(1000));
            Some((dbus.bus.clone(), dbus.auto_start))
        }
        Source::Uds(_) | Source::File(_) | Source::Directory(_) => None,
    };
    let at = |address: &str| Bus::Address(address.to_owned());
    assert_eq!(
        bus(session),
        Some((at("unix:path=/run/user/1000/bus"), true))
    );
    assert_eq!(bus(own_bus), Some((at("unix:path=/run/own/bus"), false)));
    let paths = vec![PathBuf::from("/run/a.prom"), PathBuf::from("/run/b")];
    let options = FileOptions {
        patterns: vec!["*.a".into(), "b?".into()],
        follow_links: FollowLinks::All,
        strict: true,
        keep_last_good: Duration::ZERO,
        max_age: Some(Duration::from_secs(3600)),
        file_metrics: true,
    };
    assert_eq!(alpha.source, Source::File(FileSource { paths, options }));
    let body_policy = BodyPolicy {
        check: Check::Strict,
        format: FormatChoice::OpenMetrics,
        timestamps: Timestamps::Strip,
        allow_empty: true,
        escaping: Escaping::Refuse,
    };
    assert_eq!(alpha.body_policy, body_policy);
    assert_eq!(directory.body_policy.timestamps, Timestamps::Reject);
    assert_eq!(session.limits.min_interval, Duration::from_secs(5));
    assert_eq!(own_bus.limits.min_interval, Duration::from_secs(1));
    assert_eq!(alpha.limits.min_interval, Duration::ZERO);
    assert_eq!(alpha.limits.refresh, Duration::from_secs(2));
    assert_eq!(alpha.limits.timeout, Duration::from_millis(10));
    assert_eq!((alpha.limits.max_bytes, alpha.limits.max_in_flight), (1, 1));
    let access = Access {
        bearer_token_file: Some("/etc/local-exporter/alpha-token".into()),
        allow_from: vec![network("192.0.2.7", 32)],
    };
    assert_eq!(alpha.access, access);
    let labels = [
        ("team", "Ünïcode"),
        ("__meta_owner", "x"),
        ("_a1", "7"),
        ("__scrape_native_histograms__", "true"),
        ("__convert_classic_histograms_to_nhcb__", "true"),
    ];
    let discovery = Discovery {
        labels: labels
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        scrape_interval: Some(Duration::from_secs(300)),
        scrape_timeout: Some(Duration::from_secs(300)),
    };
    assert_eq!(alpha.discovery, discovery);
    assert_eq!(
        (&directory.access, &session.discovery),
        (&Access::default(), &Discovery::default())
    );
}

#[test]
fn every_kind_of_listener_is_read_in_order() {
    let settings = load(Some(&sample("good-listeners.toml")), &Environment::new()).unwrap();
    let one = |address: &str| ListenAddress::One(address.parse().unwrap());
    let unix = |path: &str, mode, group: Option<&str>| {
        Listen::Unix(UnixListen {
            path: path.into(),
            mode,
            group: group.map(str::to_owned),
        })
    };
    let vsock = |context, port| Listen::Vsock(VsockListen { context, port });
    let expected = vec![
        Listen::Tcp(ListenAddress::Every, 9598),
        Listen::Tcp(one("127.0.0.1"), 0),
        Listen::Tcp(one("::1"), 9599),
        unix(
            "/run/local-exporter/http.sock",
            Some(0o660),
            Some("prometheus"),
        ),
        unix("/run/bare.sock", None, None),
        vsock(None, 9598),
        vsock(Some(1), 9600),
    ];
    assert_eq!(settings.service.listeners, Listeners::Configured(expected));
}
