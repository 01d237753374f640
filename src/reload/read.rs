//! ConfigReader the configuration again, within a bound.
//!
//! File systems can hang. So it is read on a thread of its own, for which nobody
//! waits longer than [`LONGEST`], not even the end of the process; and another one
//! is not begun while that one is under way.

use super::outcome::ReloadError;
use super::request::Reloader;
use crate::http::access;
use crate::process::confinement::RequiredAccess;
use local_exporter_config::{Layers, Loaded};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// How long reading may take.
const LONGEST: Duration = Duration::from_secs(30);

/// What was found.
pub(super) type ReadResult = Result<NewConfig, ReloadError>;

/// A configuration that is right.
#[derive(Debug)]
pub(super) struct NewConfig {
    pub(super) loaded: Loaded,
    /// What it needs to read and the process, which is confined, cannot.
    pub(super) out_of_reach: Vec<PathBuf>,
}

/// Reads one at a time.
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

    /// The configuration as it is now.
    pub(super) async fn read(&mut self) -> ReadResult {
        let Some(layers) = self.reloader.0.layers.clone() else {
            return Err(ReloadError::one(
                "the configuration came from nothing that could be read again",
            ));
        };
        if self.pending.is_some() {
            // What it finds is what there was a while ago.
            let _ = self.end().await?;
        }
        let granted = self.reloader.0.granted.clone();
        let (found, pending) = oneshot::channel();
        let thread = thread::Builder::new().name("reload".to_owned());
        let started = thread.spawn(move || {
            // Nobody may wait for it any more.
            let _ = found.send(read(&layers, granted.as_ref()));
        });
        if let Err(error) = started {
            return Err(ReloadError::one(format!("cannot start a thread: {error}")));
        }
        self.pending = Some(pending);
        self.end().await?
    }

    /// The end of the one that is under way.
    async fn end(&mut self) -> Result<ReadResult, ReloadError> {
        let Some(pending) = &mut self.pending else {
            return Err(ReloadError::one("nothing is read"));
        };
        let Ok(ended) = timeout(LONGEST, pending).await else {
            return Err(ReloadError::one(format!(
                "reading it takes longer than {LONGEST:?}: a file system hangs, or is slow"
            )));
        };
        self.pending = None;
        ended.map_err(|_| ReloadError::one("reading it failed; the panic is in the log"))
    }
}

fn read(layers: &Layers, granted: Option<&RequiredAccess>) -> ReadResult {
    let loaded = layers.load_with(&access::external_errors)?;
    let out_of_reach =
        granted.map(|granted| RequiredAccess::of(layers, &loaded).missing_from(granted));
    Ok(NewConfig {
        loaded,
        out_of_reach: out_of_reach.unwrap_or_default(),
    })
}
