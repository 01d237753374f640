//! Reads the configuration for a reload, with a timeout.
//!
//! A separate thread reads it, each path with a deadline ([`PathAccess`]). Neither a reload nor the end of
//! the process waits longer than [`TIMEOUT`] for one reading, and at most one such thread exists.

use super::reach::Reach;
use crate::http::access;
use crate::metrics::ConfigurationMetrics;
use crate::process::confinement::RequiredAccess;
use crate::reloader::Reloader;
use crate::reloader::outcome::ReloadError;
use local_exporter_actors::cannot_start;
use local_exporter_actors::host::lsm::denial_hint;
use local_exporter_config::{
    ConfigErrors, LastValid, Layers, Loaded, Location, PathAccess, Settings,
};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// The end of the message of EACCES, errno(3).
const DENIED: &str = "(os error 13)";

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
    pub(super) async fn read(
        &mut self,
        last_valid: LastValid,
        running: Arc<Settings>,
        metrics: &ConfigurationMetrics,
    ) -> ReadResult {
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
        let metrics = metrics.clone();
        let (found, pending) = oneshot::channel();
        let thread = thread::Builder::new().name("reload".to_owned());
        let started = thread.spawn(move || {
            // The receiver is gone if reading timed out.
            let reach = Reach::new(&running, &access);
            let result = read(&layers, granted.as_ref(), &access, &last_valid, &reach);
            metrics.unreadable_paths(reach.denied());
            let _ = found.send(result);
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
    reach: &Reach<'_>,
) -> ReadResult {
    let check = |settings: &Settings| {
        let mut errors = access::external_errors(settings, access);
        if granted.is_some() {
            errors.extend(reach.errors(settings));
        }
        errors
    };
    let loaded = layers.load_with(access, last_valid, &check);
    let loaded = loaded.map_err(|errors| explained(errors, granted))?;
    let missing = |granted| RequiredAccess::of(layers, &loaded, access).missing_from(granted);
    Ok(NewConfig {
        out_of_reach: granted.map(missing).unwrap_or_default(),
        loaded,
    })
}

/// The errors, with the cause if Landlock denies a file or a directory of the configuration: it was
/// replaced together with the directory around it.
fn explained(mut errors: ConfigErrors, granted: Option<&RequiredAccess>) -> ConfigErrors {
    for error in &mut errors.0 {
        if let (Location::File(file), Some(_)) = (&error.location, granted)
            && error.found.contains(DENIED)
        {
            let denied = io::Error::from(io::ErrorKind::PermissionDenied);
            error.found.push_str(denial_hint(Path::new(file), &denied));
        }
    }
    errors
}
