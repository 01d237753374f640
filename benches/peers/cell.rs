//! One cell of a table: one source, one size, one kind of client.

use clap::ValueEnum;
use std::fmt;

/// The kind of source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Case {
    File,
    Uds,
    Dbus,
}

/// The encoding that the client accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Encoding {
    Plain,
    Gzip,
}

impl fmt::Display for Encoding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Plain => "plain",
            Self::Gzip => "gzip",
        })
    }
}

/// One measurement. For `uds` and `dbus` there are more selectors than connections, so that shared
/// pulls do not hide the cost of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cell {
    pub(crate) case: Case,
    pub(crate) series: usize,
    pub(crate) requested: Encoding,
    pub(crate) connections: usize,
}

impl fmt::Display for Cell {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            case,
            series,
            requested,
            connections,
        } = self;
        write!(
            out,
            "{case}, {series} series, {requested}, connections: {connections}"
        )
    }
}

impl Case {
    /// The number of servers and loops that take part in a round if everything is installed.
    pub(crate) fn most_servers(self) -> u32 {
        match self {
            Self::File | Self::Uds => 4,
            Self::Dbus => 3,
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::File => "file",
            Self::Uds => "uds",
            Self::Dbus => "dbus",
        })
    }
}
