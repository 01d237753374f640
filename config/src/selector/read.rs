//! From the `[bridge]` tables to selectors, every error reported.
//!
//! The only file that knows how a selector is written. It may not know what a
//! source does with its settings.

use super::{
    Bus, DbusSource, DirectorySource, Discovery, FileOptions, FileSource, Limits, Selector, Source,
    UdsSource,
};
use crate::body_policy::BodyPolicy;
use crate::dbus_name::{Address, BusName, Method, ObjectPath, is_address};
use crate::service::Access;
use crate::table::{Named, Table};
use crate::value::{Bytes, Count, FromValue, NamePattern, PathPattern, Span, describe};
use config::{Value, ValueKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The longest path of a unix socket in bytes: `sun_path` less its NUL, unix(7).
const LONGEST_SOCKET_PATH: usize = 107;
/// The name of the socket that is looked for where a selector is only a directory.
const SOCKET_NAME: &str = "metrics.promsock";
const NAME_EXPECTED: &str = "a name that is not empty and has no control characters";

/// What holds for all buses: the addresses of the well-known ones, and who to be there.
#[derive(Debug)]
pub(crate) struct Buses {
    system: Option<String>,
    session: Option<String>,
    auth_uid: Option<u32>,
}

impl Buses {
    pub(crate) fn read(bridge: &mut Table<'_, '_>) -> Self {
        let mut address = |key| bridge.take::<Address>(key).map(|address| address.0);
        Self {
            system: address("dbus_system_bus_address"),
            session: address("dbus_session_bus_address"),
            auth_uid: bridge.take("dbus_auth_uid"),
        }
    }
}

/// What holds for a selector that does not say otherwise.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Defaults {
    limits: Limits,
    body_policy: BodyPolicy,
}

impl Defaults {
    /// The `[bridge.defaults]` table, which the embedded layer has completed.
    pub(crate) fn read(mut table: Table<'_, '_>) -> Self {
        // Stands for a default that is itself an error, so that reading can go
        // on and find the others: such a configuration is refused in the end.
        const PLACEHOLDER: Limits = Limits {
            timeout: Duration::ZERO,
            max_bytes: 0,
            max_in_flight: 0,
            refresh: Duration::ZERO,
            min_interval: Duration::ZERO,
        };
        let mut limits = Limits::read(&mut table, PLACEHOLDER);
        limits.read_refresh(&mut table);
        limits.read_min_interval(&mut table);
        let body_policy = BodyPolicy::read(&mut table, BodyPolicy::default());
        table.finish();
        Self {
            limits,
            body_policy,
        }
    }
}

impl Limits {
    fn read(table: &mut Table<'_, '_>, defaults: Self) -> Self {
        let timeout = table.take("timeout");
        let max_bytes = table.take::<Bytes>("max_bytes");
        let max_in_flight = table.take::<Count>("max_in_flight");
        Self {
            timeout: timeout.unwrap_or(defaults.timeout),
            max_bytes: max_bytes.map_or(defaults.max_bytes, |bytes| bytes.0),
            max_in_flight: max_in_flight.map_or(defaults.max_in_flight, |count| count.0),
            ..defaults
        }
    }

    fn read_refresh(&mut self, table: &mut Table<'_, '_>) {
        if let Some(refresh) = table.take("refresh") {
            self.refresh = refresh;
        }
    }

    fn read_min_interval(&mut self, table: &mut Table<'_, '_>) {
        if let Some(Span(min_interval)) = table.take("min_interval") {
            self.min_interval = min_interval;
        }
    }
}

/// Reads `[bridge.selectors]`; a selector with an error is left out, its errors are reported.
pub(crate) fn read_selectors(
    table: Table<'_, '_>,
    buses: &Buses,
    defaults: Defaults,
) -> Vec<Selector> {
    let mut selectors = Vec::new();
    for (name, named) in table.into_named() {
        if name.is_empty() || name.chars().any(char::is_control) {
            named.complain(format!("the name {name:?}"), NAME_EXPECTED);
        }
        selectors.extend(match named {
            Named::Single(single) => single.read::<BareDirectory>().map(|bare| Selector {
                name,
                source: Source::Directory(bare.0),
                limits: defaults.limits,
                body_policy: defaults.body_policy,
                access: Access::default(),
                discovery: Discovery::default(),
            }),
            Named::Table(table) => read_table(name, table, buses, defaults),
        });
    }
    selectors
}

/// The keys that only some kinds have.
const KEYS_OF_KINDS: &[&str] = &[
    "path",
    "bus",
    "destination",
    "method",
    "auto_start",
    "pattern",
    "strict_files",
    "keep_last_good",
    "max_age",
    "refresh",
    "min_interval",
];

/// Reads one selector that is a table.
fn read_table(
    name: String,
    mut table: Table<'_, '_>,
    buses: &Buses,
    defaults: Defaults,
) -> Option<Selector> {
    let Some(kind) = table.require::<Kind>("kind") else {
        // Nobody can say which keys of a kind are right; the others can be judged all the same.
        table.pass_over(KEYS_OF_KINDS);
        Limits::read(&mut table, defaults.limits);
        BodyPolicy::read(&mut table, defaults.body_policy);
        Access::read(&mut table);
        Discovery::read(&mut table);
        table.finish();
        return None;
    };
    let source = match kind {
        Kind::Uds => table
            .require::<SocketPath>("path")
            .map(|path| Source::Uds(UdsSource { path: path.0 })),
        Kind::Dbus => read_dbus(&mut table, buses).map(Source::Dbus),
        Kind::File => read_file(&mut table).map(Source::File),
    };
    let mut limits = Limits::read(&mut table, defaults.limits);
    match kind {
        Kind::File => {
            limits.read_refresh(&mut table);
            // A file is served from a cache that knows when it changes.
            limits.min_interval = Duration::ZERO;
        }
        Kind::Uds | Kind::Dbus => limits.read_min_interval(&mut table),
    }
    let body_policy = BodyPolicy::read(&mut table, defaults.body_policy);
    let access = Access::read(&mut table);
    let discovery = Discovery::read(&mut table);
    table.finish();
    Some(Selector {
        name,
        source: source?,
        limits,
        body_policy,
        access,
        discovery,
    })
}

fn read_file(table: &mut Table<'_, '_>) -> Option<FileSource> {
    let paths = table.require_list::<PathPattern>("path");
    let patterns = table.take_list::<NamePattern>("pattern");
    let defaults = FileOptions::default();
    let options = FileOptions {
        patterns: patterns.map_or(defaults.patterns, |patterns| {
            patterns.into_iter().map(|pattern| pattern.0).collect()
        }),
        strict: table.take("strict_files").unwrap_or(defaults.strict),
        keep_last_good: table
            .take::<Span>("keep_last_good")
            .map_or(defaults.keep_last_good, |span| span.0),
        max_age: table.take("max_age"),
    };
    let paths = paths?.into_iter().map(|path| path.0).collect();
    Some(FileSource { paths, options })
}

fn read_dbus(table: &mut Table<'_, '_>, buses: &Buses) -> Option<DbusSource> {
    let choice = table.take("bus");
    let destination = table.require::<BusName>("destination");
    let method = table.require::<Method>("method");
    let path = table.require::<ObjectPath>("path");
    let auto_start = table.take("auto_start").unwrap_or(false);
    let at = |address: &Option<String>, well_known| match address {
        Some(address) => Bus::Address(address.clone()),
        None => well_known,
    };
    let bus = match choice.unwrap_or(BusChoice::System) {
        BusChoice::System => at(&buses.system, Bus::System),
        BusChoice::Session => at(&buses.session, Bus::Session),
        BusChoice::Address(address) => Bus::Address(address),
    };
    let method = method?;
    Some(DbusSource {
        bus,
        destination: destination?.0,
        path: path?.0,
        interface: method.interface,
        member: method.member,
        auto_start,
        auth_uid: buses.auth_uid,
    })
}

/// The kinds that can be written out.
#[derive(Debug)]
enum Kind {
    Uds,
    Dbus,
    File,
}

impl FromValue for Kind {
    const EXPECTED: &'static str = "one of \"uds\", \"dbus\", \"file\"";

    fn from_value(value: &Value) -> Result<Self, String> {
        match &value.kind {
            ValueKind::String(kind) if kind == "uds" => Ok(Self::Uds),
            ValueKind::String(kind) if kind == "dbus" => Ok(Self::Dbus),
            ValueKind::String(kind) if kind == "file" => Ok(Self::File),
            _ => Err(describe(value)),
        }
    }
}

/// How a selector names its bus.
#[derive(Debug)]
enum BusChoice {
    System,
    Session,
    Address(String),
}

impl FromValue for BusChoice {
    const EXPECTED: &'static str =
        "\"system\", \"session\" or one bus address such as \"unix:path=/run/bus\"";

    fn from_value(value: &Value) -> Result<Self, String> {
        match &value.kind {
            ValueKind::String(bus) if bus == "system" => Ok(Self::System),
            ValueKind::String(bus) if bus == "session" => Ok(Self::Session),
            ValueKind::String(bus) if is_address(bus) => Ok(Self::Address(bus.clone())),
            _ => Err(describe(value)),
        }
    }
}

/// The path of a socket, short enough to be connected to.
#[derive(Debug)]
struct SocketPath(PathBuf);

impl FromValue for SocketPath {
    const EXPECTED: &'static str = "the absolute path of a socket, of at most 107 bytes (unix(7))";

    fn from_value(value: &Value) -> Result<Self, String> {
        let path = PathBuf::from_value(value)?;
        short_enough(&path).map(|()| Self(path))
    }
}

/// A selector written as nothing but a directory.
#[derive(Debug)]
struct BareDirectory(DirectorySource);

impl FromValue for BareDirectory {
    const EXPECTED: &'static str =
        "a table with a `kind`, or the absolute path of a directory, of at most 90 bytes";

    fn from_value(value: &Value) -> Result<Self, String> {
        let path = PathBuf::from_value(value)?;
        let socket = path.join(SOCKET_NAME);
        short_enough(&socket).map(|()| Self(DirectorySource { path, socket }))
    }
}

/// Whether unix(7) can hold the path of a socket.
fn short_enough(path: &Path) -> Result<(), String> {
    match path.as_os_str().len() {
        0..=LONGEST_SOCKET_PATH => Ok(()),
        length => Err(format!("a path of {length} bytes")),
    }
}
