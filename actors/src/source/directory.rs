//! Kind `directory`: the socket of a directory if there is one, otherwise its files.
//!
//! Chosen for each scrape, so that a daemon may start after the exporter.
//! Combines the kinds `uds` and `file`, and adds only the choice.

use super::file::{FileSettings, Files, Role};
use super::kind::{Descriptors, FileAccess, Kind, RequiredPath, Source, SourceContext};
use super::uds::Uds;
use crate::reason::Reason;
use crate::scrape::{ScrapeError, ScrapeResult};
use crate::validator::Validator;
use futures_util::future::LocalBoxFuture;
use local_exporter_config as config;
use local_exporter_config::shown;
use std::path::PathBuf;
use std::rc::Rc;

impl Kind for config::DirectorySource {
    fn label(&self) -> String {
        shown(&self.path).to_string()
    }

    fn open(&self, selector: &config::Selector, context: &SourceContext) -> Rc<dyn Source> {
        Rc::new(Directory::new(self, selector, context))
    }

    fn access(&self) -> FileAccess {
        files(self).access()
    }

    fn file_paths(&self) -> Vec<PathBuf> {
        files(self).paths
    }

    fn required_paths(&self) -> Vec<RequiredPath> {
        match self.socket.symlink_metadata() {
            Ok(_) => vec![RequiredPath::Socket(self.socket.clone())],
            Err(_) => files(self).required_paths(),
        }
    }

    fn descriptors(&self) -> Descriptors {
        files(self).descriptors()
    }

    fn bodies(&self) -> u32 {
        files(self).bodies()
    }

    fn has_cache(&self) -> bool {
        files(self).has_cache()
    }
}

/// The directory as a source of files.
fn files(directory: &config::DirectorySource) -> config::FileSource {
    config::FileSource {
        paths: vec![directory.path.clone()],
        options: config::FileOptions::default(),
    }
}

/// An open source of kind `directory`.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    socket: Rc<Uds>,
    files: Rc<Files>,
}

impl Directory {
    fn new(
        directory: &config::DirectorySource,
        selector: &config::Selector,
        context: &SourceContext,
    ) -> Self {
        let (limits, policy) = (selector.limits, selector.body_policy);
        let config::FileSource { paths, options } = files(directory);
        let settings = FileSettings {
            paths,
            options,
            limits,
            validator: Validator::for_files(policy),
            role: Role::Fallback,
        };
        let validator = Validator::new(policy).with_faults(&context.faults);
        Self {
            path: directory.path.clone(),
            socket: Rc::new(Uds::new(
                &directory.socket,
                limits.max_bytes,
                validator,
                &context.blocking,
            )),
            files: Rc::new(Files::new(settings, context.clone())),
        }
    }

    async fn choose(&self) -> ScrapeResult {
        let absent = |result: &ScrapeResult| {
            let error = result.as_ref().err();
            error.is_some_and(|error| error.reason == Reason::Absent)
        };
        let from_socket = Rc::clone(&self.socket).pull().await;
        if !absent(&from_socket) {
            return from_socket;
        }
        let from_files = Rc::clone(&self.files).pull().await;
        if !absent(&from_files) {
            return from_files;
        }
        let path = shown(&self.path);
        let message = format!("{path} has no metrics.promsock and no *.prom or *.promfile");
        Err(ScrapeError::new(Reason::Absent, message))
    }
}

impl Source for Directory {
    fn pull(self: Rc<Self>) -> LocalBoxFuture<'static, ScrapeResult> {
        Box::pin(async move { self.choose().await })
    }

    fn waiting_for(&self) -> String {
        self.socket.waiting_for()
    }

    fn background(self: Rc<Self>) -> Option<LocalBoxFuture<'static, ()>> {
        Rc::clone(&self.files).background()
    }
}
