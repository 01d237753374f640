//! Reads the configuration for a reload, with a timeout.
//!
//! A separate thread reads it, each path with a deadline ([`PathAccess`]). Neither a reload nor the end of
//! the process waits longer than [`TIMEOUT`] for one reading, and at most one such thread exists.

use crate::http::access;
use crate::process::confinement::RequiredAccess;
use crate::reloader::Reloader;
use crate::reloader::outcome::ReloadError;
use local_exporter_actors::cannot_start;
use local_exporter_config::{LastValid, Layers, Loaded, PathAccess, Settings};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// The time that reading may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The result of reading.
pub(super) type ReadResult = Result<NewConfig, ReloadError>;

/// A valid configuration.
#[derive(Debug)]
pub(super) struct NewConfig {
    pub(super) loaded: Loaded,
    /// Paths that it needs and the confined process cannot read.
    pub(super) out_of_reach: Vec<PathBuf>,
}

/// Reads the configuration; at most one reading at a time.
#[derive(Debug)]
pub(super) struct ConfigReader {
    reloader: Reloader,
    pending: Option<oneshot::Receiver<ReadResult>>,
}

impl ConfigReader {
    pub(super) fn new(reloader: Reloader) -> Self {
        Self {
            reloader,
            pending: None,
        }
    }

    /// Reads the configuration. A drop-in with errors keeps its text in `last_valid`.
    pub(super) async fn read(&mut self, last_valid: LastValid) -> ReadResult {
        let Some(layers) = self.reloader.0.layers.clone() else {
            return Err(ReloadError::one(
                "the configuration was not read from files",
            ));
        };
        if self.pending.is_some() {
            // Its result may be outdated.
            let _ = self.end().await?;
        }
        let granted = self.reloader.0.granted.clone();
        let access = self.reloader.0.path_access.clone();
        let (found, pending) = oneshot::channel();
        let thread = thread::Builder::new().name("reload".to_owned());
        let started = thread.spawn(move || {
            // The receiver is gone if reading timed out.
            let _ = found.send(read(&layers, granted.as_ref(), &access, &last_valid));
        });
        if let Err(error) = started {
            return Err(ReloadError::one(cannot_start(error).to_string()));
        }
        self.pending = Some(pending);
        self.end().await?
    }

    /// Waits for the pending reading.
    async fn end(&mut self) -> Result<ReadResult, ReloadError> {
        let Some(pending) = &mut self.pending else {
            return Err(ReloadError::one("no reading is pending"));
        };
        let Ok(ended) = timeout(TIMEOUT, pending).await else {
            return Err(ReloadError::one(format!(
                "reading the configuration takes longer than {TIMEOUT:?}; a file system is slow or hangs"
            )));
        };
        self.pending = None;
        ended.map_err(|_| ReloadError::one("reading the configuration panicked; see the log"))
    }
}

fn read(
    layers: &Layers,
    granted: Option<&RequiredAccess>,
    access: &PathAccess,
    last_valid: &LastValid,
) -> ReadResult {
    let check = |settings: &Settings| access::external_errors(settings, access);
    let loaded = layers.load_with(access, last_valid, &check)?;
    let missing = |granted| RequiredAccess::of(layers, &loaded, access).missing_from(granted);
    Ok(NewConfig {
        out_of_reach: granted.map(missing).unwrap_or_default(),
        loaded,
    })
}
