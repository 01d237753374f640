//! The client that loads every server: `wrk` with one thread and keep-alive.

use crate::Outcome;
use crate::cell::Encoding;
use crate::process::{Process, output_of};
use crate::scene::Scene;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

const SCRIPT: &str = include_str!("load.lua");
/// The time after which a response counts as lost; no response here takes that long.
const TIMEOUT: &str = "60s";

/// The requested paths.
#[derive(Debug, Clone)]
pub(crate) enum Paths {
    One(String),
    /// The prefix followed by 0, 1, … in turn.
    Many {
        prefix: String,
        count: usize,
    },
}

impl Paths {
    /// Any one of them.
    pub(crate) fn first(&self) -> String {
        match self {
            Self::One(path) => path.clone(),
            Self::Many { prefix, .. } => format!("{prefix}0"),
        }
    }
}

/// One round of the client.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load<'a> {
    pub(crate) port: u16,
    pub(crate) paths: &'a Paths,
    pub(crate) connections: usize,
    pub(crate) requested: Encoding,
    pub(crate) seconds: u64,
}

/// The results of a round.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Round {
    /// Complete responses. Responses in progress at the end are not counted.
    pub(crate) requests: u64,
    pub(crate) took: Duration,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    /// Connections that failed or broke, and responses that did not come.
    pub(crate) broken: u64,
    /// Responses with a status of 400 or more.
    pub(crate) refused: u64,
}

impl Load<'_> {
    /// Runs it to its end.
    pub(crate) fn run(&self, scene: &Scene) -> Outcome<Round> {
        let runs = Duration::from_secs(self.seconds);
        let text = output_of("wrk", &mut self.command(scene)?, runs, &scene.interrupt)?;
        Round::read(&text).ok_or_else(|| format!("wrk printed no result:\n{text}").into())
    }

    /// [`Load::run`] against a server whose responses must all be successful.
    pub(crate) fn run_well(&self, scene: &Scene) -> Outcome<Round> {
        let round = self.run(scene)?;
        match round.broken + round.refused {
            0 => Ok(round),
            errors => Err(format!("{errors} of {} scrapes failed", round.requests).into()),
        }
    }

    /// Lets it run until it is dropped.
    pub(crate) fn start(&self, scene: &Scene) -> Outcome<Process> {
        Process::spawn("wrk", &mut self.command(scene)?)
    }

    fn command(&self, scene: &Scene) -> Outcome<Command> {
        let mut command = Command::new(&scene.programs.wrk);
        command
            .args(["--threads", "1", "--timeout", TIMEOUT, "--connections"])
            .arg(self.connections.to_string())
            .args(["--duration", &format!("{}s", self.seconds), "--script"])
            .arg(script(scene)?);
        if self.requested == Encoding::Gzip {
            command.args(["--header", "Accept-Encoding: gzip"]);
        }
        let origin = format!("http://127.0.0.1:{}", self.port);
        command.arg(format!("{origin}{}", self.paths.first()));
        if let Paths::Many { prefix, count } = self.paths {
            command.args(["--", prefix, &count.to_string()]);
        }
        command.stderr(Stdio::null());
        Ok(command)
    }
}

fn script(scene: &Scene) -> Outcome<PathBuf> {
    let path = scene.folder().join("load.lua");
    if !path.exists() {
        std::fs::write(&path, SCRIPT)?;
    }
    Ok(path)
}

impl Round {
    /// Reads the line that `done` in `load.lua` writes.
    fn read(text: &str) -> Option<Self> {
        let line = text.lines().find_map(|line| line.strip_prefix("peers "))?;
        let numbers: Vec<u64> = line
            .split_whitespace()
            .map_while(|number| number.parse().ok())
            .collect();
        let &[requests, took, p50, p99, broken, refused] = numbers.as_slice() else {
            return None;
        };
        Some(Self {
            requests,
            took: Duration::from_micros(took),
            p50: Duration::from_micros(p50),
            p99: Duration::from_micros(p99),
            broken,
            refused,
        })
    }
}
