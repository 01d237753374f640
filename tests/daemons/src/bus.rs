//! A private message bus: `dbus-daemon` as a child process on a socket of its own.
//!
//! Guarantees: the bus accepts calls when `start` returns; its address stays the same across restarts;
//! dropping it kills the process and removes its temporary directory. It never touches the session
//! or the system bus of the host.

pub use crate::bus_config::{BusKind, BusOptions, BusPolicy};
pub use crate::bus_error::BusError;

use crate::bus_config::address;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A private bus.
#[derive(Debug)]
pub struct Bus {
    /// The running process; `None` between a kill and a restart.
    child: Option<Child>,
    directory: PathBuf,
    /// Keeps a temporary directory until it is dropped.
    _temporary: Option<TempDir>,
}

impl BusOptions {
    /// Starts the bus and waits until it listens.
    ///
    /// # Errors
    ///
    /// If `dbus-daemon` is missing or rejects its configuration, or if its files cannot be written.
    pub fn start(self) -> Result<Bus, BusError> {
        let (directory, temporary) = match &self.directory {
            Some(directory) => (directory.clone(), None),
            None => {
                let temporary = tempfile::Builder::new().prefix("bus-").tempdir()?;
                (temporary.path().to_owned(), Some(temporary))
            }
        };
        let mut bus = Bus {
            child: None,
            directory,
            _temporary: temporary,
        };
        fs::write(bus.config(), self.xml(&bus.socket()))?;
        bus.spawn()?;
        Ok(bus)
    }
}

impl Bus {
    /// Starts a bus on which everything is allowed, in a temporary directory.
    ///
    /// # Errors
    ///
    /// As [`BusOptions::start`].
    pub fn start() -> Result<Self, BusError> {
        BusOptions::new().start()
    }

    /// Its D-Bus address, `unix:path=…`, without the identity that changes with every restart.
    #[must_use]
    pub fn address(&self) -> String {
        address(&self.socket())
    }

    /// Where its socket is.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.directory.join("bus")
    }

    /// Where its configuration file is.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.directory.join("bus.conf")
    }

    /// The id of the process, if it runs.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Kills the process (SIGKILL). As after a crash, its connections break and its socket file
    /// remains. Does nothing if it is not running.
    ///
    /// # Errors
    ///
    /// If the process cannot be killed or waited for.
    pub fn kill(&mut self) -> Result<(), BusError> {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// Kills the process if it runs and starts a new one on the same socket path.
    ///
    /// # Errors
    ///
    /// As [`BusOptions::start`].
    pub fn restart(&mut self) -> Result<(), BusError> {
        self.kill()?;
        self.spawn()
    }

    /// Changes its configuration while it runs (SIGHUP), which takes effect soon after. Policies
    /// and limits also change for existing connections; the address stays.
    ///
    /// # Errors
    ///
    /// If it is not running, or its configuration cannot be written.
    pub fn reconfigure(&self, options: &BusOptions) -> Result<(), BusError> {
        fs::write(self.config(), options.xml(&self.socket()))?;
        self.signal(Signal::HUP).map(drop)
    }

    /// Makes the bus hang (SIGSTOP) and returns once it does: connecting still works, but nothing
    /// gets a reply.
    ///
    /// # Errors
    ///
    /// If it is not running.
    pub fn pause(&mut self) -> Result<(), BusError> {
        let process = self.signal(Signal::STOP)?;
        waitpid(Some(process), WaitOptions::UNTRACED)?;
        Ok(())
    }

    /// Resumes a paused bus (SIGCONT).
    ///
    /// # Errors
    ///
    /// If it is not running.
    pub fn resume(&mut self) -> Result<(), BusError> {
        self.signal(Signal::CONT).map(drop)
    }

    fn signal(&self, signal: Signal) -> Result<Pid, BusError> {
        let child = self.child.as_ref().ok_or(BusError::NotRunning)?;
        let process = Pid::from_child(child);
        kill_process(process, signal)?;
        Ok(process)
    }

    fn spawn(&mut self) -> Result<(), BusError> {
        let log = self.directory.join("bus.log");
        let mut child = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", self.config().display()))
            .args(["--nofork", "--nopidfile", "--print-address"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?)
            .spawn()
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => BusError::NotInstalled,
                _ => BusError::Io(error),
            })?;
        let output = child.stdout.take();
        // Owned before anything can fail, so that no process is left behind.
        self.child = Some(child);
        // It prints its address once it listens. An end of the output without an address means that
        // it failed.
        let listens = match output {
            Some(output) => first_line(BufReader::new(output))?,
            None => String::new(),
        };
        if listens.starts_with("unix:") {
            return Ok(());
        }
        self.kill()?;
        let message = fs::read_to_string(&log).unwrap_or_default();
        Err(BusError::Refused(message.trim().to_owned()))
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        // A drop cannot report an error, and a bus that cannot be killed has already ended.
        let _ = self.kill();
    }
}

fn first_line(mut output: impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    output.read_line(&mut line)?;
    Ok(line)
}
