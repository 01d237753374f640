//! Text in, [`Settings`] or every error out.
//!
//! This crate reads the layers (embedded default, drop-ins, file, environment,
//! flags), checks each value and reports all that is wrong at once, each
//! error with its file, line and column. It may not know a runtime, open a socket or look at
//! a source: settings are immutable values, and whether a daemon is there is
//! none of their business.
//!
//! # Layout
//!
//! - [`Layers`]: where a configuration comes from, to load it now and again.
//! - [`load()`]: the layers, in order; `precedence`: what a later one replaces whole;
//!   `unmatched_variables`: what goes with a drop-in that is left out.
//! - `read_file`: reading a file whole, without waiting and without end.
//! - `document`: a text and where in it a key stands; `variables`: the environment;
//!   `flags`: the command line; `effective`: all of it as one text.
//! - `table`, `value`: typed reading that collects errors instead of stopping.
//! - `settings`, `service`, `selector`, `body_policy`: what may be said, and what it means.

mod access;
mod body_policy;
mod bridge;
mod dbus_name;
mod document;
mod effective;
mod error;
mod flags;
mod key;
mod key_path;
mod kind;
mod layer;
mod layers;
mod merge;
mod precedence;
mod read_file;
mod reference;
mod report;
mod selector;
mod service;
mod settings;
mod table;
mod unmatched_variables;
mod value;
mod variables;
mod write;

pub use access::Access;
pub use body_policy::{BodyPolicy, Check, FormatChoice, Timestamps};
pub use error::{ConfigError, ConfigErrors, ExternalError, Location};
pub use flags::{Flag, FlagValue, Flags};
pub use ipnet::IpNet;
pub use key::{Change, DefaultValue, Key};
pub use kind::{Bus, DbusSource, DirectorySource, FileOptions, FileSource, Source, UdsSource};
pub use layers::{Layers, Loaded, Presence};
pub use merge::{Input, load};
pub use read_file::{open_nonblocking, read_file};
pub use reference::{KeyTable, reference};
pub use selector::{Discovery, Limits, Selector};
pub use service::{
    ClientLimits, Confinement, DropIns, ExternalUrl, Lifecycle, Listen, ListenAddress, Listeners,
    Paths, Reload, Service, Tls, UnixListen, VsockListen,
};
pub use settings::{ExternalCheck, Settings};
pub use variables::{ENVIRONMENT_PREFIX, Environment};
