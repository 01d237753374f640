//! The kinds of source: one module each, and the one list of them.
//!
//! Everything about the settings of a kind is in its module. Nothing here opens a source: that is
//! `source/` in the package `local-exporter-actors`, with a module of the same name for each kind.

mod dbus;
mod directory;
mod file;
mod interface;
mod uds;

pub use dbus::{Bus, DbusSource};
pub use directory::DirectorySource;
pub use file::{FileOptions, FileSource, FollowLinks};
pub(crate) use interface::Caching;
pub use uds::UdsSource;

use crate::bridge::Bridge;
use crate::key::Key;
use crate::table::Table;
use crate::value::{FromValue, describe, one_of};
use crate::write::TableWriter;
use config::{Value, ValueKind};
use interface::KindSettings;

/// One kind that is written as a table.
#[derive(Debug)]
pub(crate) struct TableKind {
    /// The value of the key `kind`.
    pub(crate) name: &'static str,
    pub(crate) keys: &'static [Key],
    pub(crate) caching: Caching,
    pub(crate) read: fn(&mut Table<'_, '_>, &Bridge) -> Option<Source>,
}

/// A selector's source as it is written.
#[derive(Debug)]
pub(crate) enum Written {
    /// A table with the keys of the kind, to which the common keys are added.
    Table(TableWriter, Caching),
    /// The bare path of a directory.
    Path(std::path::PathBuf),
}

/// Defines [`Source`] and everything that enumerates the kinds from one list of names,
/// variants and settings. Bare directories are not in it, since they have no key `kind`.
macro_rules! kinds {
    ($($(#[$doc:meta])* $name:literal = $variant:ident($settings:ty),)*) => {
        /// How a selector obtains its metrics, one variant for each kind.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Source {
            $($(#[$doc])* $variant($settings),)*
            /// A directory that holds either a socket or files, decided at each scrape.
            Directory(DirectorySource),
        }

        impl Source {
            /// The kind as it is displayed and, except for bare directories, written.
            #[must_use]
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $name,)*
                    Self::Directory(_) => "directory",
                }
            }

            /// The source as it is written; keys of `[bridge]` are added to `bridge`.
            pub(crate) fn write(&self, bridge: &mut TableWriter) -> Written {
                match self {
                    $(Self::$variant(settings) => {
                        let mut table = TableWriter::default();
                        table.put("kind", $name);
                        settings.write(&mut table, bridge);
                        Written::Table(table, <$settings>::CACHING)
                    })*
                    Self::Directory(directory) => Written::Path(directory.written().clone()),
                }
            }
        }

        /// The kinds that are written as a table.
        pub(crate) const TABLE_KINDS: &[TableKind] = &[$(TableKind {
            name: $name,
            keys: <$settings as KindSettings>::KEYS,
            caching: <$settings as KindSettings>::CACHING,
            read: |table, bridge| <$settings>::read(table, bridge).map(Source::$variant),
        },)*];

        impl FromValue for &'static TableKind {
            const TYPE: &'static str = "word";
            const EXPECTED: &'static str = one_of!($($name),*);

            fn from_value(value: &Value) -> Result<Self, String> {
                let named = |kind: &&TableKind| match &value.kind {
                    ValueKind::String(name) => name == kind.name,
                    _ => false,
                };
                TABLE_KINDS.iter().find(named).ok_or_else(|| describe(value))
            }
        }
    };
}

kinds! {
    /// A unix socket whose daemon writes its metrics and closes.
    "uds" = Uds(UdsSource),
    /// A D-Bus method that returns the metrics as bytes.
    "dbus" = Dbus(DbusSource),
    /// Files, cached.
    "file" = File(FileSource),
}
