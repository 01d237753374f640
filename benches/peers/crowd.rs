//! Many selectors, for the goals about memory, startup, idle use and isolation.

use crate::cell::Case;
use crate::daemon::Daemon;
use crate::scene::Scene;
use crate::source::{Source, file_selector, uds_selector};
use crate::{Outcome, body};
use std::fs;
use tempfile::TempDir;

/// Series of each body: 9 kB.
pub(crate) const SERIES: usize = 100;

/// The number of selectors of each kind.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Numbers {
    pub(crate) files: usize,
    pub(crate) sockets: usize,
    /// Sockets with a listener that never responds.
    pub(crate) hung: usize,
}

impl Numbers {
    /// The 2,000 selectors of the goals.
    pub(crate) const MANY: Self = Self {
        files: 1_000,
        sockets: 1_000,
        hung: 0,
    };

    /// The number of selectors that respond.
    pub(crate) fn well(&self) -> usize {
        self.files + self.sockets
    }
}

/// Sources, each with its own file or socket, and their lines of configuration: `s0`, `s1` and so
/// on respond, `hung0` and so on do not.
#[derive(Debug)]
pub(crate) struct Crowd {
    pub(crate) selectors: String,
    _sources: Vec<Source>,
    _daemons: Vec<Daemon>,
    _folder: TempDir,
}

impl Crowd {
    /// One selector of each kind, `s0` to `s2`.
    pub(crate) fn of_three(scene: &Scene) -> Outcome<Self> {
        let mut sources = Vec::new();
        let mut selectors = String::new();
        for (number, case) in [Case::File, Case::Uds, Case::Dbus].into_iter().enumerate() {
            let source = Source::start(scene, case, SERIES)?;
            selectors += &source.selector(&format!("s{number}"));
            sources.push(source);
        }
        Ok(Self {
            selectors,
            _sources: sources,
            _daemons: Vec::new(),
            _folder: scene.server_folder()?,
        })
    }

    /// With these numbers.
    pub(crate) fn of(scene: &Scene, numbers: Numbers) -> Outcome<Self> {
        let server_folder = scene.server_folder()?;
        let folder = |name: &str| {
            let folder = server_folder.path().join(name);
            fs::create_dir(&folder).map(|()| folder)
        };
        let (files, sockets, hung) = (folder("files")?, folder("sockets")?, folder("hung")?);
        let mut selectors = String::new();
        let body = body::text(SERIES);
        for number in 0..numbers.files {
            // One directory each, as daemons have, so that each is watched separately.
            let directory = files.join(number.to_string());
            fs::create_dir(&directory)?;
            let file = directory.join("metrics.prom");
            fs::write(&file, &body)?;
            selectors += &file_selector(&format!("s{number}"), &file);
        }
        for number in 0..numbers.sockets {
            let name = format!("s{}", numbers.files + number);
            selectors += &uds_selector(&name, &sockets.join(number.to_string()));
        }
        for number in 0..numbers.hung {
            let path = hung.join(number.to_string());
            let selector = uds_selector(&format!("hung{number}"), &path);
            // So that waits also end and begin again within a round.
            selectors += &selector.replace(" }", ", timeout = \"1s\" }");
        }
        let count = |count: usize| count.to_string();
        let daemons = vec![
            Daemon::on_sockets(&sockets, &["--sockets", &count(numbers.sockets)])?,
            Daemon::on_sockets(&hung, &["--hung", "--sockets", &count(numbers.hung)])?,
        ];
        Ok(Self {
            selectors,
            _sources: Vec::new(),
            _daemons: daemons,
            _folder: server_folder,
        })
    }
}
