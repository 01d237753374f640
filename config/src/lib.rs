//! Configuration texts in, [`Settings`] or all their errors out.
//!
//! The crate reads the layers of a configuration (embedded default, drop-ins, file,
//! environment, flags), checks every value, and reports all errors together, each with its
//! file, line and column. It depends on no runtime, opens no socket and accesses no source:
//! settings are immutable values, whether a daemon runs or not.
//!
//! # Layout
//!
//! Imports between modules have no cycles.
//!
//! - [`Layers`]: where the layers come from, to load them now and again. [`load()`] and `merge`:
//!   the layers in order; `precedence`: what a later one replaces as a whole;
//!   `unmatched_variables`: variables for selectors that were left out.
//! - `settings`, `service`, `bridge`, `selector`: the tables of a configuration. Each setting is
//!   in the module that defines its type, with its keys, and how it is read and written.
//! - `kind`: the kinds of source, one module each; `access`, `body_policy`: settings that
//!   several tables have. `reference`: all keys as data.
//! - `table`, `value`: typed reading that collects errors in a `report` instead of stopping;
//!   `write`: its counterpart; `key`: one key as data.
//! - `document`: a text and the position of each key in it; `variables`: the environment;
//!   `flags`: the command line; `effective`: the merged values as one text.
//! - `input`, `read_file`, `inspect_file`: files. `path_access`, `mount_table`: file systems that hang. `shown`: display of
//!   paths and texts of others. `error`, `key_path`, `layer`: what the others exchange.

mod access;
mod body_policy;
mod bridge;
mod bus_address;
mod dbus_name;
mod document;
mod drop_ins;
mod effective;
mod error;
mod error_list;
mod flags;
mod input;
mod inspect_file;
mod key;
mod key_path;
mod kind;
mod layer;
mod layers;
mod line_index;
mod merge;
mod mount_table;
mod ordered_table;
mod path_access;
mod precedence;
mod read_file;
mod reference;
mod report;
mod selector;
mod service;
mod settings;
mod shown;
mod similar;
mod table;
mod unmatched_variables;
mod value;
mod variables;
mod write;
mod writers;

pub use access::Access;
pub use body_policy::{BodyPolicy, Check, Escaping, FormatChoice, Timestamps};
pub use bus_address::{BusAddress, bus_addresses};
pub use drop_ins::{DropInState, LastValid, Rejected};
pub use error::{ConfigError, ConfigErrors, ExternalError, Location};
pub use flags::{Flag, FlagValue, Flags};
pub use input::Input;
pub use inspect_file::InspectedFile;
pub use ipnet::IpNet;
pub use key::{DefaultValue, Key, TakesEffect};
pub use kind::{
    Bus, DbusSource, DirectorySource, FileOptions, FileSource, FollowLinks, Source, UdsSource,
};
pub use layers::{Layers, Loaded, Presence};
pub use merge::load;
pub use mount_table::mount_point;
pub use path_access::{ACCESS_TIMEOUT, PathAccess};
pub use precedence::Contested;
pub use read_file::read_file;
pub use reference::{KeyTable, reference};
pub use selector::{Discovery, Limits, Selector};
pub use service::read::MAX_TIMEOUT_OFFSET;
pub use service::{
    ClientLimits, Confinement, DropIns, ExternalUrl, Lifecycle, Listen, ListenAddress, Listeners,
    Paths, Reload, Service, Tls, UnixListen, VsockListen,
};
pub use settings::{ExternalCheck, Settings};
pub use shown::{Shown, is_printable, shown};
pub use similar::similar;
pub use value::measure::MAX_COUNT;
pub use variables::{ENVIRONMENT_PREFIX, Environment};
pub use writers::{Writable, Writers};
