//! What a selector is: a name, a source of one of the kinds, and limits.
//!
//! Adding a kind begins here, with a variant of [`Source`] and a struct; the
//! compiler then asks for the rest. How they are read stands in `read`; nothing
//! here may open a source.

mod discovery;
mod read;

pub(crate) use read::{Buses, Defaults, read_selectors};

use crate::body_policy::BodyPolicy;
use crate::service::Access;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// One selector: what `/bridge?selector=NAME` answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    /// The name, unique, never empty, without control characters.
    pub name: String,
    /// Where its answers come from.
    pub source: Source,
    /// How long, how large, how many.
    pub limits: Limits,
    /// What its answers must be.
    pub body_policy: BodyPolicy,
    /// Who may ask for it, of those who may ask at all.
    pub access: Access,
    /// What Prometheus is told when it looks for targets.
    pub discovery: Discovery,
}

/// What Prometheus is told of a selector when it looks for targets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Discovery {
    /// Labels of the target, by name.
    pub labels: BTreeMap<String, String>,
    /// How often to scrape it.
    pub scrape_interval: Option<Duration>,
    /// How long a scrape may take; not longer than the interval.
    pub scrape_timeout: Option<Duration>,
}

/// The bounds of one selector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest a scrape may take; a scraper may ask for less, never for more.
    pub timeout: Duration,
    /// The largest body, in bytes; a larger one is an error, not cut.
    pub max_bytes: usize,
    /// The most scrapes that may wait for this selector at once.
    pub max_in_flight: usize,
    /// How often a file is looked at without having been announced as changed.
    pub refresh: Duration,
    /// How old an answer of an on-demand source may be to be given again; zero means never.
    pub min_interval: Duration,
}

/// Where a selector's answers come from, one variant a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A unix socket whose daemon writes its exposition and closes.
    Uds(UdsSource),
    /// One D-Bus method that returns the exposition as bytes.
    Dbus(DbusSource),
    /// Text files, cached.
    File(FileSource),
    /// A directory that holds either a socket or files, found out at each scrape.
    Directory(DirectorySource),
}

impl Source {
    /// The kind as it is written in a configuration and shown on pages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Uds(_) => "uds",
            Self::Dbus(_) => "dbus",
            Self::File(_) => "file",
            Self::Directory(_) => "directory",
        }
    }
}

/// The settings of kind `uds`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UdsSource {
    /// The socket, resolved anew at every scrape.
    pub path: PathBuf,
}

/// The settings of kind `dbus`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DbusSource {
    /// The bus to connect to.
    pub bus: Bus,
    /// The bus name of the daemon.
    pub destination: String,
    /// The object that has the method.
    pub path: String,
    /// The interface of the method.
    pub interface: String,
    /// The method; it takes nothing and returns the exposition.
    pub member: String,
    /// Whether a scrape may start a daemon that is not running.
    pub auto_start: bool,
    /// The uid to authenticate as; found out where it is not given.
    pub auth_uid: Option<u32>,
}

/// A message bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bus {
    /// The system bus, found by the rules of D-Bus.
    System,
    /// The session bus, found by the rules of D-Bus.
    Session,
    /// The bus at an address.
    Address(String),
}

/// The settings of kind `file`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSource {
    /// Files, directories and patterns for either, in the order of the text.
    pub paths: Vec<PathBuf>,
    /// How they are read.
    pub options: FileOptions,
}

/// How the files of a selector are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileOptions {
    /// Which names in a directory are served.
    pub patterns: Vec<String>,
    /// Whether one bad file fails the selector; otherwise it is left out.
    pub strict: bool,
    /// How long the last good content of a file is kept while a newer version of it is bad.
    pub keep_last_good: Duration,
    /// The age, by modification time, past which a file is an error.
    pub max_age: Option<Duration>,
}

impl Default for FileOptions {
    fn default() -> Self {
        Self {
            patterns: vec!["*.prom".into(), "*.promfile".into()],
            strict: false,
            keep_last_good: Duration::from_secs(60),
            max_age: None,
        }
    }
}

/// The settings of a selector that is written as a bare directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectorySource {
    /// The directory.
    pub path: PathBuf,
    /// The socket in it that is preferred to files.
    pub socket: PathBuf,
}
