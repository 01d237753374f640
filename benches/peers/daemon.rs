//! Starts the daemons of a measurement as processes: see `role/serve.rs`.

use crate::Outcome;
use crate::process::Process;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command};

/// A running daemon.
#[derive(Debug)]
pub(crate) struct Daemon {
    questions: ChildStdin,
    replies: BufReader<ChildStdout>,
    pub(crate) process: Process,
}

/// The counts of a daemon since its start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counts {
    pub(crate) pulls: u64,
    /// The maximum number of simultaneous replies.
    pub(crate) at_once: u64,
}

impl Daemon {
    /// Starts one on sockets in a folder.
    pub(crate) fn on_sockets(folder: &Path, options: &[&str]) -> Outcome<Self> {
        let mut command = role()?;
        command.arg("serve-uds").arg(folder).args(options);
        Self::start(&mut command)
    }

    /// Starts one on a bus.
    pub(crate) fn on_bus(address: &str, series: usize) -> Outcome<Self> {
        let mut command = role()?;
        command.args(["serve-dbus", address, "--series", &series.to_string()]);
        Self::start(&mut command)
    }

    fn start(command: &mut Command) -> Outcome<Self> {
        let (process, questions, replies) = Process::spawn_piped("a daemon", command)?;
        let mut daemon = Self {
            questions,
            replies: BufReader::new(replies),
            process,
        };
        match daemon.line()?.as_str() {
            "serving" => Ok(daemon),
            other => Err(format!("a daemon does not serve: {other:?}").into()),
        }
    }

    /// The counts so far.
    pub(crate) fn counts(&mut self) -> Outcome<Counts> {
        writeln!(self.questions, "how many?")?;
        let line = self.line()?;
        let mut numbers = line.split(' ').map_while(|number| number.parse().ok());
        match (numbers.next(), numbers.next()) {
            (Some(pulls), Some(at_once)) => Ok(Counts { pulls, at_once }),
            _ => Err(format!("a daemon counts {line:?}").into()),
        }
    }

    fn line(&mut self) -> Outcome<String> {
        let mut line = String::new();
        self.replies.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }
}

/// A command that runs this program, without its role.
pub(crate) fn role() -> Outcome<Command> {
    Ok(Command::new(std::env::current_exe()?))
}
