//! Processes and their processor time, from `/proc`.

use rustix::param::clock_ticks_per_second;
use std::fs;
use std::time::Duration;

/// The fields of `proc_pid_stat(5)` that are used here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stat {
    pub(crate) id: u32,
    parent: u32,
    /// `utime` and `stime`, also of children that were waited for.
    pub(crate) used: Duration,
}

/// A process and its descendants, itself first.
pub(crate) fn tree(root: u32) -> Vec<Stat> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let all: Vec<Stat> = ids.filter_map(stat).collect();
    let mut found: Vec<Stat> = all.iter().filter(|stat| stat.id == root).copied().collect();
    let mut next = 0;
    while let Some(parent) = found.get(next).map(|stat| stat.id) {
        found.extend(all.iter().filter(|stat| stat.parent == parent));
        next += 1;
    }
    found
}

/// User and system time of this process so far.
pub(crate) fn own_processor_time() -> Duration {
    stat(std::process::id()).map_or(Duration::ZERO, |stat| stat.used)
}

fn stat(id: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name before them is in parentheses and may contain spaces.
    let (_, rest) = text.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    let ticks = number(11)? + number(12)? + number(13)? + number(14)?;
    Some(Stat {
        id,
        parent: u32::try_from(number(1)?).ok()?,
        used: Duration::from_millis(ticks * 1000 / clock_ticks_per_second().max(1)),
    })
}
