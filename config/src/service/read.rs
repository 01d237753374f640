//! From the `[service]` table to a [`Service`], every error reported.

use super::{
    ClientLimits, Confinement, DropIns, Lifecycle, Listen, ListenAddress, Listeners, Paths, Reload,
    Service, Tls,
};
use crate::access::Access;
use crate::key::Key;
use crate::table::Table;
use crate::value::{Count, FromValue, describe};
use config::{Value, ValueKind};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The longest a scraper may be answered before it gives up.
const LONGEST_OFFSET: Duration = Duration::from_secs(60);

impl Service {
    /// The keys of `[service]`, in the order in which they are read.
    pub(crate) fn keys() -> Vec<Key> {
        [
            Listeners::KEYS,
            SECURITY,
            Paths::KEYS,
            RELOADING,
            ClientLimits::KEYS,
            Access::KEYS,
            HARDENING,
        ]
        .concat()
    }

    /// What is wrong has a placeholder, so that reading can go on and find the other
    /// errors: such a configuration is refused in the end.
    pub(crate) fn read(mut table: Table<'_, '_>) -> Self {
        let listeners = Listeners::read(&mut table);
        let web_config = table.take::<WebConfigFile>("web_config_file");
        let web_config = web_config.and_then(|file| file.0);
        let tls = Tls::read(&mut table, web_config.is_some());
        let paths = Paths::read(&mut table);
        let lifecycle = table.take("lifecycle").map(|enabled| match enabled {
            true => Lifecycle::Enabled,
            false => Lifecycle::Disabled,
        });
        let reload = table.take("auto_reload").map(|automatic| match automatic {
            true => Reload::OnChange,
            false => Reload::OnDemand,
        });
        let timeout_offset = table.take("timeout_offset").map(|Offset(offset)| offset);
        let clients = ClientLimits::read(&mut table);
        let access = Access::read(&mut table);
        let confinement = table.take("landlock").map(|wanted| match wanted {
            true => Confinement::Landlock,
            false => Confinement::Off,
        });
        let drop_ins = table.take("strict_dropins").map(|strict| match strict {
            true => DropIns::Strict,
            false => DropIns::Lenient,
        });
        table.finish();
        Self {
            listeners: listeners.unwrap_or(Listeners::Configured(Vec::new())),
            paths,
            web_config,
            tls,
            lifecycle: lifecycle.unwrap_or(Lifecycle::Disabled),
            reload: reload.unwrap_or(Reload::OnDemand),
            timeout_offset: timeout_offset.unwrap_or_default(),
            clients,
            access,
            confinement: confinement.unwrap_or(Confinement::Landlock),
            drop_ins: drop_ins.unwrap_or(DropIns::Lenient),
        }
    }
}

/// Keys about TLS.
const SECURITY: &[Key] = &[
    Key::absent::<WebConfigFile>(
        "web_config_file",
        "The file for TLS, users, headers and rates, in the format of the Prometheus \
         exporter-toolkit. Without it, the exporter serves plain HTTP to all clients.",
    )
    .at_restart(),
    Key::absent::<bool>(
        "tls",
        "An assertion about `web_config_file`: with `true` it must configure TLS, with `false` \
         it must not. Without it, both are accepted.",
    )
    .at_restart(),
];

/// Keys about reloads and the timeouts of scrapers.
const RELOADING: &[Key] = &[
    Key::with_default::<bool>(
        "lifecycle",
        "false",
        "Whether `POST /-/reload` reloads the configuration.",
    ),
    Key::with_default::<bool>(
        "auto_reload",
        "false",
        "Whether the configuration is reloaded when one of its files changes.",
    ),
    Key::with_default::<Offset>(
        "timeout_offset",
        "\"500ms\"",
        "Subtracted from the timeout that a scraper announces.",
    ),
];

/// Keys about what the process and drop-ins may do.
const HARDENING: &[Key] = &[
    Key::with_default::<bool>(
        "landlock",
        "true",
        "Whether the process restricts its access to files and ports with Landlock.",
    )
    .at_restart(),
    Key::with_default::<bool>(
        "strict_dropins",
        "false",
        "Whether an error in a drop-in is an error of the configuration. Otherwise the drop-in \
         is left out.",
    ),
];

impl Listeners {
    const KEYS: &[Key] = &[
        Key::absent::<Listen>(
            "listen",
            "The listeners. Without it, `address` and `port` describe the only one.",
        )
        .or_list()
        .at_restart(),
        Key::absent::<IpAddr>(
            "address",
            "The address to listen on, an older alternative to `listen`. Without it, every \
             address of the host.",
        )
        .at_restart(),
        Key::with_default::<u16>(
            "port",
            "9598",
            "The TCP port to listen on, an older alternative to `listen`; 0 for any free port.",
        )
        .at_restart(),
        Key::with_default::<bool>(
            "systemd_socket",
            "false",
            "Whether to listen on the sockets that systemd passes instead of those configured.",
        )
        .at_restart(),
    ];

    fn read(table: &mut Table<'_, '_>) -> Option<Self> {
        let both =
            table.contains("listen") && (table.contains("address") || table.contains("port"));
        if both {
            let found = "`listen` together with `address` or `port`".to_owned();
            table.reject_valid("listen", found, "only one of the two");
        }
        let listened = table.contains("listen");
        let listens = table.take_list::<Listen>("listen");
        let address = table.take("address").map(ListenAddress::One);
        let port = table.take("port");
        if table.take("systemd_socket")? {
            return Some(Self::Systemd);
        }
        let listens = match listened {
            true => listens?,
            false => vec![Listen::Tcp(address.unwrap_or(ListenAddress::Every), port?)],
        };
        Some(Self::Configured(listens))
    }
}

impl Tls {
    /// A promise of encryption that is not kept would be worse than a refusal.
    fn read(table: &mut Table<'_, '_>, certified: bool) -> Self {
        match table.take("tls") {
            None => Self::Unsaid,
            Some(false) => Self::Refused,
            Some(true) => {
                if !certified {
                    let found = "true without a certificate".to_owned();
                    let expected = "a `web_config_file` that names one, or false";
                    table.reject_valid("tls", found, expected);
                }
                Self::Required
            }
        }
    }
}

impl ClientLimits {
    const KEYS: &[Key] = &[
        Key::with_default::<Count>(
            "max_connections",
            "4096",
            "How many connections are served at the same time. One more replaces the one that \
             has been idle for the longest time.",
        )
        .at_restart(),
        Key::with_default::<Count>(
            "max_in_flight",
            "1024",
            "How many scrapes may be in progress at the same time, over all selectors. One more \
             is rejected with status 503.",
        ),
        Key::with_default::<Duration>(
            "header_timeout",
            "\"10s\"",
            "How long a client may take to send the head of a request.",
        ),
        Key::with_default::<Duration>(
            "idle_timeout",
            "\"90s\"",
            "How long a connection may stay open without a request.",
        ),
    ];

    fn read(table: &mut Table<'_, '_>) -> Self {
        let max_connections = table.take("max_connections").map(|Count(count)| count);
        let max_in_flight = table.take("max_in_flight").map(|Count(count)| count);
        Self {
            max_connections: max_connections.unwrap_or_default(),
            max_in_flight: max_in_flight.unwrap_or_default(),
            header_timeout: table.take("header_timeout").unwrap_or_default(),
            idle_timeout: table.take("idle_timeout").unwrap_or_default(),
        }
    }
}

/// The exporter-toolkit's file; an empty string, as with its flag, means that there is none.
struct WebConfigFile(Option<PathBuf>);

impl FromValue for WebConfigFile {
    const TYPE: &'static str = "path";
    const EXPECTED: &'static str = "the absolute path of a file, or an empty string for none";

    fn from_value(value: &Value) -> Result<Self, String> {
        match &value.kind {
            ValueKind::String(text) if text.is_empty() => Ok(Self(None)),
            _ => PathBuf::from_value(value).map(|path| Self(Some(path))),
        }
    }
}

/// How much earlier than a scraper gives up it gets its answer.
struct Offset(Duration);

impl FromValue for Offset {
    const TYPE: &'static str = "duration";
    const EXPECTED: &'static str = "a duration with a unit such as \"500ms\", from 0s to 1min";

    fn from_value(value: &Value) -> Result<Self, String> {
        let ValueKind::String(text) = &value.kind else {
            return Err(describe(value));
        };
        match humantime::parse_duration(text) {
            Ok(offset) if offset <= LONGEST_OFFSET => Ok(Self(offset)),
            _ => Err(describe(value)),
        }
    }
}
