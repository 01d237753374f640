//! A Debian system that is installed once and booted for each script.

use local_exporter_skip::skip;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

const MIRROR: &str = "http://deb.debian.org/debian";
const PACKAGES: &str = "--include=systemd,systemd-sysv,dbus,procps";

/// The installed system.
pub struct System {
    root: PathBuf,
}

/// What a script wrote, by name.
pub struct Results(TempDir);

impl System {
    /// Installs the system if it is missing. `None`, with a skip, if this machine cannot.
    pub fn install(suite: &str) -> Option<Self> {
        for tool in ["debootstrap", "systemd-nspawn"] {
            if Command::new(tool).arg("--version").output().is_err() {
                skip(format_args!("{tool} is not installed"));
                return None;
            }
        }
        if !rustix::process::geteuid().is_root() {
            skip(format_args!("only root can install and boot a system"));
            return None;
        }
        let systems = Path::new(env!("CARGO_TARGET_TMPDIR")).join("systems");
        let root = systems.join(suite);
        if !root.exists() {
            let partial = systems.join(format!("{suite}.partial"));
            let _ = fs::remove_dir_all(&partial);
            fs::create_dir_all(&systems).unwrap();
            let status = Command::new("debootstrap")
                .args(["--variant=minbase", PACKAGES, suite])
                .arg(&partial)
                .arg(MIRROR)
                .stdout(Stdio::null())
                .status()
                .unwrap();
            if !status.success() {
                skip(format_args!("{MIRROR} is not reachable"));
                return None;
            }
            fs::rename(&partial, &root).unwrap();
        }
        Some(Self { root })
    }

    /// Boots a copy of the system with the program and the files of `deploy/`, runs the script as
    /// root, and waits until the system has halted.
    pub fn boot(&self, script: &str) -> Results {
        let results = tempfile::tempdir().unwrap();
        let work = tempfile::tempdir().unwrap();
        let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
        let at = |name: &str| work.path().join(name);
        fs::write(at("script.sh"), script).unwrap();
        fs::write(at("script.service"), SCRIPT_UNIT).unwrap();
        let program = Path::new(env!("CARGO_BIN_EXE_local-exporter"));
        fs::copy(program.with_file_name("prombus"), at("prombus"))
            .expect("the program prombus is missing: cargo build --workspace");
        let policy = "com.github.lucab.Prombus.conf";
        fs::copy(deploy.join("dbus").join(policy), at(policy)).unwrap();
        let mut nspawn = Command::new("systemd-nspawn");
        nspawn
            .args(["--quiet", "--boot", "--ephemeral", "--register=no"])
            .args(["--keep-unit", "--private-network", "--console=pipe"])
            // Before systemd 253, nspawn does not allow these calls to its containers.
            .arg("--system-call-filter=landlock_create_ruleset landlock_add_rule landlock_restrict_self")
            .arg(format!("--directory={}", self.root.display()))
            .arg(format!("--bind={}:/results", results.path().display()))
            .arg(format!("--bind-ro={}:/work", work.path().display()))
            .arg(format!("--bind-ro={}:/etc/systemd/system/script.service", at("script.service").display()))
            .arg(format!("--bind-ro={}:/usr/bin/local-exporter", program.display()));
        for (file, place) in INSTALLED {
            let source = deploy.join(file);
            nspawn.arg(format!("--bind-ro={}:{place}", source.display()));
        }
        // systemd 257 does not start with the first version of control groups.
        let status = nspawn
            .arg("systemd.wants=script.service")
            .env("SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success(), "systemd-nspawn: {status}");
        Results(results)
    }
}

/// The files of `deploy/`, and where a package installs them.
const INSTALLED: [(&str, &str); 4] = [
    (
        "local-exporter.service",
        "/usr/lib/systemd/system/local-exporter.service",
    ),
    (
        "local-exporter.socket",
        "/usr/lib/systemd/system/local-exporter.socket",
    ),
    (
        "local-exporter.sysusers.conf",
        "/usr/lib/sysusers.d/local-exporter.conf",
    ),
    (
        "local-exporter.tmpfiles.conf",
        "/usr/lib/tmpfiles.d/local-exporter.conf",
    ),
];

/// Runs the script once the system has booted, for at most four minutes, and halts the system.
const SCRIPT_UNIT: &str = "[Unit]\nDescription=Script\nAfter=basic.target\n\
    SuccessAction=poweroff-force\nFailureAction=poweroff-force\n\
    [Service]\nType=oneshot\nTimeoutStartSec=240\nExecStart=/bin/bash /work/script.sh\n";

impl Results {
    /// The result of this name; empty if there is none.
    pub fn of(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).unwrap_or_default()
    }
}

impl fmt::Display for Results {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for name in ["verify.text", "log"] {
            writeln!(out, "{name}: {}", self.of(name))?;
        }
        Ok(())
    }
}
