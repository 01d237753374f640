//! Resident memory, with few selectors and with many.

use super::{Line, Verdict};
use crate::Outcome;
use crate::cell::Encoding;
use crate::crowd::{Crowd, Numbers};
use crate::load::{Load, Paths};
use crate::process::Memory;
use crate::scene::Scene;
use crate::server::exporter::{Exporter, PATH};

const CONNECTIONS: usize = 16;

pub(super) fn measure(scene: &Scene) -> Outcome<Vec<Line>> {
    Ok(vec![few(scene)?, many(scene)?])
}

fn few(scene: &Scene) -> Outcome<Line> {
    let what = "resident memory, three selectors (`file`, `uds`, `dbus`)".to_owned();
    let limit = "< 10 MiB after load";
    if scene.programs.dbus_daemon.is_none() {
        return Ok(Line::skipped(what, limit, "no dbus-daemon"));
    }
    let crowd = Crowd::of_three(scene)?;
    let exporter = Exporter::start(scene, &crowd.selectors)?;
    let (now, peak) = loaded(scene, &exporter, 3)?;
    Ok(Line {
        what,
        limit,
        reached: format!("{now:.1} MiB after load, {peak:.1} MiB at most"),
        verdict: Verdict::of(now < 10.0),
    })
}

fn many(scene: &Scene) -> Outcome<Line> {
    let numbers = Numbers::MANY;
    let crowd = Crowd::of(scene, numbers)?;
    let exporter = Exporter::start(scene, &crowd.selectors)?;
    let before = mebibytes(exporter.process.memory(Memory::Now));
    let (now, peak) = loaded(scene, &exporter, numbers.well())?;
    Ok(Line {
        what: "resident memory, 1,000 `file` and 1,000 `uds` selectors of 9 kB".to_owned(),
        limit: "< 48 MiB, load included",
        reached: format!("{peak:.1} MiB at most, {before:.1} before load, {now:.1} after"),
        verdict: Verdict::of(peak < 48.0),
    })
}

/// Resident memory in MiB after all selectors were scraped in turn for a while, and its peak.
fn loaded(scene: &Scene, exporter: &Exporter, count: usize) -> Outcome<(f64, f64)> {
    let load = Load {
        port: exporter.port,
        paths: &Paths::Many {
            prefix: format!("{PATH}s"),
            count,
        },
        connections: CONNECTIONS,
        requested: Encoding::Plain,
        seconds: scene.seconds,
    };
    load.run_well(scene)?;
    let read = |which| mebibytes(exporter.process.memory(which));
    Ok((read(Memory::Now), read(Memory::Peak)))
}

fn mebibytes(kib: u64) -> f64 {
    kib as f64 / 1024.0
}
