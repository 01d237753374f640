//! A child process: its resources, including its descendants, and its end.
//!
//! Dropping it kills it and all its descendants, by their ids. This module must not depend on
//! particular programs.

pub(crate) mod stat;

use crate::Outcome;
use crate::interrupt::Interrupt;
use rustix::process::{Pid, Signal, kill_process};
use stat::{Stat, tree};
use std::fs;
use std::io::Read;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a process may take to listen, or to end on its own.
const PATIENCE: Duration = Duration::from_secs(60);
/// The interval of polling for that.
const GLANCE: Duration = Duration::from_millis(5);

/// A running program.
#[derive(Debug)]
pub(crate) struct Process {
    name: &'static str,
    child: Child,
}

/// The time without a tick of the processor clock (10 ms) after which a process is idle.
const CALM: Duration = Duration::from_millis(50);
/// How long to wait for that at most.
const LONGEST_AFTERMATH: Duration = Duration::from_secs(10);

/// A field of `proc_pid_status(5)`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Memory {
    /// The peak resident memory.
    Peak,
    /// The current resident memory.
    Now,
}

impl Process {
    /// Starts a program whose standard output is discarded.
    pub(crate) fn spawn(name: &'static str, command: &mut Command) -> Outcome<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::null());
        Self::start(name, command)
    }

    /// Starts a program with pipes to its standard input and output.
    pub(crate) fn spawn_piped(
        name: &'static str,
        command: &mut Command,
    ) -> Outcome<(Self, ChildStdin, ChildStdout)> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = Self::start(name, command)?;
        let pipes = (process.child.stdin.take(), process.child.stdout.take());
        match pipes {
            (Some(input), Some(output)) => Ok((process, input, output)),
            _ => Err(format!("{name} has no pipes").into()),
        }
    }

    fn start(name: &'static str, command: &mut Command) -> Outcome<Self> {
        let child = command
            .spawn()
            .map_err(|error| format!("cannot start {name}: {error}"))?;
        Ok(Self { name, child })
    }

    /// Waits until it listens on a port of this host.
    pub(crate) fn listening(&mut self, port: u16, interrupt: &Interrupt) -> Outcome<()> {
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("{} ended with {status} before it listened", self.name).into());
            }
            if Instant::now() > end {
                return Err(format!("{} does not listen after {PATIENCE:?}", self.name).into());
            }
            interrupt.pause(GLANCE)?;
        }
        Ok(())
    }

    /// Waits for its end, a while longer than it was meant to run.
    pub(crate) fn finish(&mut self, runs: Duration, interrupt: &Interrupt) -> Outcome<()> {
        let end = Instant::now() + runs + PATIENCE;
        loop {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(format!("{} ended with {status}", self.name).into()),
                None if Instant::now() > end => {
                    return Err(format!("{} does not end", self.name).into());
                }
                None => interrupt.pause(GLANCE)?,
            }
        }
    }

    /// User and system time so far, of the process and its descendants, including those that have
    /// ended.
    pub(crate) fn processor_time(&self) -> Duration {
        tree(self.child.id()).iter().map(|stat| stat.used).sum()
    }

    /// Waits until it is idle, so that it does not disturb the next measurement.
    pub(crate) fn calm(&self, interrupt: &Interrupt) -> Outcome<()> {
        let end = Instant::now() + LONGEST_AFTERMATH;
        let mut before = self.processor_time();
        while Instant::now() < end {
            interrupt.pause(CALM)?;
            let now = self.processor_time();
            if now == before {
                break;
            }
            before = now;
        }
        Ok(())
    }

    /// Resident memory in KiB, the sum over the process and its descendants. Shared pages count for
    /// each.
    pub(crate) fn memory(&self, which: Memory) -> u64 {
        let key = match which {
            Memory::Peak => "VmHWM:",
            Memory::Now => "VmRSS:",
        };
        let of = |stat: &Stat| {
            let text = fs::read_to_string(format!("/proc/{}/status", stat.id)).ok()?;
            let value = text.lines().find_map(|line| line.strip_prefix(key))?;
            value.split_whitespace().next()?.parse::<u64>().ok()
        };
        tree(self.child.id()).iter().filter_map(of).sum()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let descendants = tree(self.child.id());
        // The parent first, since it might restart others. A drop cannot report an error, and a
        // process that cannot be killed has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
        for stat in descendants.iter().skip(1) {
            if let Some(id) = i32::try_from(stat.id).ok().and_then(Pid::from_raw) {
                let _ = kill_process(id, Signal::KILL);
            }
        }
    }
}

/// The output of a program that ended successfully.
pub(crate) fn output_of(
    name: &'static str,
    command: &mut Command,
    runs: Duration,
    interrupt: &Interrupt,
) -> Outcome<String> {
    let (mut process, input, mut output) = Process::spawn_piped(name, command)?;
    drop(input);
    process.finish(runs, interrupt)?;
    let mut text = String::new();
    output.read_to_string(&mut text)?;
    Ok(text)
}

/// A port that is free now.
pub(crate) fn free_port() -> Outcome<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}
