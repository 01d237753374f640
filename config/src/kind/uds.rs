//! Kind `uds`: a unix socket whose daemon writes its metrics to each client and closes.

use super::interface::{Caching, KindSettings};
use crate::bridge::Bridge;
use crate::key::Key;
use crate::table::Table;
use crate::value::path::SocketPath;
use crate::write::TableWriter;
use std::path::PathBuf;

/// The settings of kind `uds`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UdsSource {
    /// The socket; the path is resolved at each scrape.
    pub path: PathBuf,
}

impl KindSettings for UdsSource {
    const KEYS: &'static [Key] = &[Key::required::<SocketPath>(
        "path",
        "The socket. The path is resolved at each scrape.",
    )];
    const CACHING: Caching = Caching::OnDemand;

    fn read(table: &mut Table<'_, '_>, _: &Bridge) -> Option<Self> {
        let path = table.require::<SocketPath>("path")?;
        Some(Self { path: path.0 })
    }

    fn write(&self, selector: &mut TableWriter, _: &mut TableWriter) {
        let Self { path } = self;
        selector.put("path", path);
    }
}
