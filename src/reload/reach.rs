//! Directories of new selectors that Landlock denies: they could only be read after a restart.
//!
//! The directories are opened by a confined thread, so the kernel decides, not a comparison of paths. A
//! directory that its permissions deny is not reported here; scrapes report that.

use local_exporter_actors::host::lsm::denial_hint;
use local_exporter_actors::source;
use local_exporter_config::{ExternalError, PathAccess, Selector, Settings, Source, shown};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};

/// Finds the directories of selectors that are not running yet and that cannot be reached.
#[derive(Debug)]
pub(super) struct Reach<'r> {
    running: &'r Settings,
    access: &'r PathAccess,
    denied: RefCell<BTreeSet<PathBuf>>,
}

impl<'r> Reach<'r> {
    pub(super) fn new(running: &'r Settings, access: &'r PathAccess) -> Self {
        Self {
            running,
            access,
            denied: RefCell::default(),
        }
    }

    /// One error for each new or changed selector with such a directory, at its table.
    pub(super) fn errors(&self, settings: &Settings) -> Vec<ExternalError> {
        let running = self.running.selectors.iter();
        let running: BTreeMap<_, _> = running.map(|one| (&one.name, &one.source)).collect();
        let is_new = |one: &&Selector| running.get(&one.name) != Some(&&one.source);
        let new = settings.selectors.iter().filter(is_new);
        new.filter_map(|selector| self.error(selector)).collect()
    }

    /// The number of directories that were found.
    pub(super) fn denied(&self) -> usize {
        self.denied.borrow().len()
    }

    fn error(&self, selector: &Selector) -> Option<ExternalError> {
        let source = selector.source.clone();
        let paths = source::file_paths(&source);
        // A path that does not respond is no error of the configuration.
        let denied = self.access.run(paths.first()?, move || denied(&source));
        let denied = denied.ok()??;
        let found = format!(
            "Landlock allows only the directories known at startup; add {} to service.readable and \
             restart the exporter",
            shown(&denied)
        );
        self.denied.borrow_mut().insert(denied);
        Some(ExternalError {
            key: ["bridge", "selectors", &selector.name]
                .map(str::to_owned)
                .to_vec(),
            found,
        })
    }
}

/// The first directory of a source that this thread may not list although its permissions allow it.
/// Blocks.
fn denied(source: &Source) -> Option<PathBuf> {
    let directories = source::access(source).directories.into_iter();
    let existing = directories.filter_map(|directory| nearest(&directory).map(Path::to_owned));
    existing.into_iter().find(|directory| {
        File::open(directory).is_err_and(|error| !denial_hint(directory, &error).is_empty())
    })
}

/// The nearest directory on the way to a path that exists.
fn nearest(path: &Path) -> Option<&Path> {
    path.ancestors().find(|ancestor| ancestor.is_dir())
}
