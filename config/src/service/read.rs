//! Reads the table `[service]`; every error is reported.

use super::{
    ClientLimits, Confinement, DropIns, Lifecycle, Listeners, Paths, Reload, Service, Tls,
};
use crate::access::Access;
use crate::key::Key;
use crate::table::Table;
use crate::value::FromValue;
use crate::value::measure::duration;
use config::{Value, ValueKind};
use std::path::PathBuf;
use std::time::Duration;

/// The largest value of `timeout_offset`.
pub const MAX_TIMEOUT_OFFSET: Duration = Duration::from_secs(60);

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

    /// Reads the table. A key with an error gets a placeholder, so that reading can go on and
    /// find the other errors: such a configuration is refused in the end.
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
        let readable = table.take_list("readable");
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
            readable: readable.unwrap_or_default(),
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
        "Makes `POST /-/reload` reload the configuration.",
    ),
    Key::with_default::<bool>(
        "auto_reload",
        "false",
        "Reloads the configuration when one of its files changes.",
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
        "Restricts the access of the process to files and ports with Landlock.",
    )
    .at_restart(),
    Key::absent::<PathBuf>(
        "readable",
        "Directories that stay readable under Landlock in addition to `/run` and to those that the \
         configuration names at startup, for selectors that a reload adds. Without it, there are none.",
    )
    .or_list()
    .at_restart(),
    Key::with_default::<bool>(
        "strict_dropins",
        "false",
        "Makes an error in a drop-in an error of the configuration. Otherwise the drop-in is left \
         out or, at a reload, keeps its last valid selectors.",
    ),
];

impl Tls {
    /// `tls = true` without a certificate is an error: serving plain HTTP would be worse.
    fn read(table: &mut Table<'_, '_>, has_certificate: bool) -> Self {
        match table.take("tls") {
            None => Self::Unspecified,
            Some(false) => Self::Forbidden,
            Some(true) => {
                if !has_certificate {
                    let found = "true without a certificate".to_owned();
                    let expected = "a `web_config_file` that names one, or false";
                    table.reject_valid("tls", found, expected);
                }
                Self::Required
            }
        }
    }
}

/// The file of the exporter-toolkit. As with its flag, an empty string means none.
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

/// The duration that is subtracted from the timeout of a scraper.
struct Offset(Duration);

impl FromValue for Offset {
    const TYPE: &'static str = "duration";
    const EXPECTED: &'static str = "a duration with a unit such as \"500ms\", from 0s to 1min";

    fn from_value(value: &Value) -> Result<Self, String> {
        duration(value, |offset| *offset <= MAX_TIMEOUT_OFFSET).map(Self)
    }
}
