//! The paths of a source, and how each became part of it, which decides which links are followed when it is
//! opened.

use super::error::failed;
use crate::host::links::{ForeignLink, OpenError, open_found};
use crate::reason::Reason;
use crate::scrape::ScrapeError;
use local_exporter_config::{FollowLinks, InspectedFile};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The origin of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The configuration names it, or allows every link.
    Configured,
    /// It was found below this directory, which is configured.
    Found(Arc<Path>),
}

/// A path that leads to a file, or to an error.
#[derive(Clone, Debug)]
pub(super) struct FoundFile {
    pub(super) path: PathBuf,
    pub(super) origin: Origin,
    pub(super) state: FileState,
}

/// What is known of a path before its file is opened.
#[derive(Clone, Debug)]
pub(super) enum FileState {
    /// There is something to open.
    Exists,
    /// There is nothing, or a directory that cannot be listed.
    Failed(ScrapeError),
    /// It leads through a link that is not followed.
    Foreign(ScrapeError),
}

/// Why a path cannot be inspected.
#[derive(Debug)]
pub(super) enum InspectError {
    /// The system does not allow it.
    System(io::Error),
    /// A link is not followed.
    Foreign(ForeignLink),
}

impl Origin {
    /// The origin of what is found in a directory of this origin.
    pub(super) fn below(&self, directory: &Path, links: FollowLinks) -> Self {
        match (self, links) {
            (_, FollowLinks::All) => Self::Configured,
            (Self::Configured, FollowLinks::Safe) => Self::Found(directory.into()),
            (Self::Found(base), FollowLinks::Safe) => Self::Found(Arc::clone(base)),
        }
    }

    /// Inspects what a path of this origin leads to. Blocks.
    pub(super) fn inspect(&self, path: &Path) -> Result<InspectedFile, InspectError> {
        let found = match self {
            Self::Configured => return InspectedFile::at(path).map_err(InspectError::System),
            Self::Found(base) => base,
        };
        let names = path.strip_prefix(found).unwrap_or(path);
        match open_found(found, names) {
            Ok(descriptor) => InspectedFile::of(descriptor).map_err(InspectError::System),
            Err(OpenError::System(error)) => Err(InspectError::System(error.into())),
            Err(OpenError::Foreign(link)) => Err(InspectError::Foreign(link)),
        }
    }
}

impl InspectError {
    /// The error of a scrape, where `operation` reads like "cannot open".
    pub(super) fn into_scrape_error(self, operation: &str, path: &Path) -> ScrapeError {
        match self {
            Self::System(error) => failed(operation, path, &error),
            Self::Foreign(link) => {
                let message = format!("{link}; follow_links = \"all\" allows it");
                ScrapeError::new(Reason::Denied, message)
            }
        }
    }
}
