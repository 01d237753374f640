//! Kind `file`: text files, cached and served from memory.
//!
//! A scrape does no I/O: it gets the result of the latest scan, a body or an
//! error. A background task scans again when a directory reports a change and,
//! since events can be missing, every `refresh`. A deleted file is an error
//! after a second; a file that is replaced in several steps is served throughout.
//!
//! Layers, each using only those before it: `settings`, `error` and `version`;
//! `origin` (which links are followed);
//! `listing` and `expand` (from paths to files); `entry` and `outcome` (which body of a file is
//! served); `contents` (what a scan holds), `body`, `read` and `look` (one
//! file); `cache` (all files); `join` and `compose` (several files as one body); `scan` (all of these,
//! once); `subscriptions` and `pace`; `refresh` (the source and its background task). Events
//! come from `source::watch`.

mod access;
mod body;
mod cache;
mod compose;
mod contents;
mod entry;
mod error;
mod expand;
mod join;
mod listing;
mod look;
mod origin;
mod outcome;
mod pace;
mod read;
mod refresh;
mod scan;
mod settings;
mod subscriptions;
mod version;

pub(super) use refresh::Files;
pub(super) use settings::{FileSettings, Role};

use super::kind::{Descriptors, FileAccess, Kind, RequiredPath, Sockets, Source, SourceContext};
use crate::validator::Validator;
use local_exporter_config::{FileSource, Selector};
use settings::joined;
use std::path::PathBuf;
use std::rc::Rc;

impl Kind for FileSource {
    fn label(&self) -> String {
        joined(&self.paths)
    }

    fn open(&self, selector: &Selector, context: &SourceContext) -> Rc<dyn Source> {
        let settings = FileSettings {
            paths: self.paths.clone(),
            options: self.options.clone(),
            limits: selector.limits,
            validator: Validator::for_files(selector.body_policy),
            role: Role::Alone,
        };
        Rc::new(Files::new(settings, context.clone()))
    }

    fn access(&self) -> FileAccess {
        FileAccess {
            directories: access::directories(&self.paths, &self.options),
            sockets: Sockets::ByPath,
        }
    }

    fn file_paths(&self) -> Vec<PathBuf> {
        self.paths.clone()
    }

    fn required_paths(&self) -> Vec<RequiredPath> {
        access::required_paths(&self.paths, &self.options)
    }

    /// A scan has at most one directory and one file open.
    fn descriptors(&self) -> Descriptors {
        Descriptors {
            kept: 0,
            background: 2,
        }
    }

    /// The contents of the files, those that they replace, and four for what is derived from them: the
    /// joined body and its compressed form.
    fn bodies(&self) -> u32 {
        6
    }

    fn has_cache(&self) -> bool {
        true
    }
}
