//! The state that all measurements share: a folder, the installed programs, the exporter, Ctrl-C.
//!
//! The measured exporter is a copy, alone in its folder: no later build changes it, and it has no
//! other file beside it.

use crate::interrupt::Interrupt;
use crate::plan::Plan;
use crate::process::Process;
use crate::{Outcome, body};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// How to install missing programs, for messages.
pub(crate) const INSTALL: &str = "apt-get install --no-install-recommends wrk nginx-light \
     prometheus-node-exporter prometheus-exporter-exporter socat dbus-daemon";
/// How long a build may take.
const BUILD: Duration = Duration::from_secs(3600);

/// The programs besides the exporter, if they are installed.
#[derive(Debug)]
pub(crate) struct Programs {
    pub(crate) wrk: PathBuf,
    pub(crate) nginx: Option<PathBuf>,
    pub(crate) node_exporter: Option<PathBuf>,
    pub(crate) exporter_exporter: Option<PathBuf>,
    pub(crate) socat: Option<PathBuf>,
    pub(crate) dbus_daemon: Option<PathBuf>,
}

/// The servers that are measured besides the exporter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Servers {
    /// All that are installed.
    All,
    /// Those that a goal names.
    InGoals,
}

/// The environment of all measurements.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) programs: Programs,
    /// The copy that is measured.
    pub(crate) exporter: PathBuf,
    pub(crate) servers: Servers,
    pub(crate) rounds: u32,
    /// The length of a server's round in seconds.
    pub(crate) seconds: u64,
    pub(crate) interrupt: Interrupt,
    folder: TempDir,
}

impl Scene {
    pub(crate) fn new(plan: &Plan) -> Outcome<Self> {
        let interrupt = Interrupt::install()?;
        let programs = Programs::find()?;
        let original = match plan.exporter() {
            Some(path) => path.clone(),
            None => build(&interrupt)?,
        };
        let folder = open_folder("peers-", &std::env::temp_dir())?;
        let home = folder.path().join("exporter");
        fs::create_dir(&home)?;
        let exporter = home.join("local-exporter");
        fs::copy(&original, &exporter)
            .map_err(|error| format!("{}: {error}", original.display()))?;
        eprintln!(
            "{} is measured; this takes about {:.0} min",
            original.display(),
            (plan.estimate().as_secs_f64() / 60.0).max(1.0)
        );
        Ok(Self {
            programs,
            exporter,
            servers: plan.servers(),
            rounds: plan.rounds(),
            seconds: plan.seconds(),
            interrupt,
            folder,
        })
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A folder for one server, removed with it.
    pub(crate) fn server_folder(&self) -> Outcome<TempDir> {
        open_folder("server-", self.folder())
    }

    /// A folder with one file, `metrics.prom`, with this number of series.
    pub(crate) fn series_folder(&self, series: usize) -> Outcome<PathBuf> {
        let folder = self.folder().join(format!("series-{series}"));
        if !folder.exists() {
            fs::create_dir(&folder)?;
            fs::write(folder.join("metrics.prom"), body::text(series))?;
        }
        Ok(folder)
    }
}

impl Programs {
    fn find() -> Outcome<Self> {
        let missing = || format!("wrk is needed, which is not installed: {INSTALL}");
        Ok(Self {
            wrk: find("wrk").ok_or_else(missing)?,
            nginx: find("nginx"),
            node_exporter: find("prometheus-node-exporter").or_else(|| find("node_exporter")),
            exporter_exporter: find("prometheus-exporter-exporter")
                .or_else(|| find("exporter_exporter")),
            socat: find("socat"),
            dbus_daemon: find("dbus-daemon"),
        })
    }
}

/// The path of a program; servers are often in directories that only root has on PATH.
fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders =
        std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    folders
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

/// A temporary folder that servers running as other users can read.
fn open_folder(prefix: &str, parent: &Path) -> Outcome<TempDir> {
    let folder = tempfile::Builder::new().prefix(prefix).tempdir_in(parent)?;
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755))?;
    Ok(folder)
}

/// Builds the program with the profile that packages use and returns its path. The build is
/// separate from this benchmark's, whose dependencies would enable more features.
fn build(interrupt: &Interrupt) -> Outcome<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["build", "--profile", "dist", "--locked"])
        .args(["--bin", "local-exporter"])
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    Process::spawn("cargo", &mut command)?.finish(BUILD, interrupt)?;
    // target/PROFILE/local-exporter, whatever this benchmark's own profile is.
    let own = Path::new(env!("CARGO_BIN_EXE_local-exporter"));
    let target = own.ancestors().nth(2);
    let target = target.ok_or("the program is in no target folder; name one with --exporter")?;
    Ok(target.join("dist/local-exporter"))
}
