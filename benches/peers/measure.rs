//! Measures a cell: all its servers run at once, and are loaded one at a time.

use crate::Outcome;
use crate::cell::Cell;
use crate::load::Load;
use crate::process::Memory;
use crate::row::{Measured, Row};
use crate::scene::Scene;
use crate::server::{Contender, Server, contenders};
use crate::source::Source;
use std::time::Duration;

/// Responses per connection below which those in progress at the end would weigh too much.
const ENOUGH: u64 = 20;

/// Starts all servers of a cell, compares their responses, and loads them in turn.
pub(crate) fn measure(scene: &Scene, cell: Cell) -> Outcome<Measured> {
    eprintln!("{cell}");
    let mut source = Source::start(scene, cell.case, cell.series)?;
    let expected = std::fs::read(scene.series_folder(cell.series)?.join("metrics.prom"))?;
    let mut rows = Vec::new();
    let contenders = contenders(scene, &source, cell)?;
    for contender in &contenders {
        let response = contender.compare(cell.requested, &expected)?;
        rows.push(Row::new(contender.server, Some(response)));
    }
    let mut loops = Row::new(Server::PullLoop, None);
    for _ in 0..scene.rounds {
        for (contender, row) in contenders.iter().zip(&mut rows) {
            measure_round(scene, cell, contender, &mut source, row)?;
        }
        if let Some((pulls, used)) = source.pull_in_a_loop(scene)? {
            loops.requests += pulls;
            loops.used += used;
            loops.took += Duration::from_secs(scene.seconds);
        }
    }
    for (contender, row) in contenders.iter().zip(&mut rows) {
        row.peak_kib = contender.process.memory(Memory::Peak);
        row.rough = row.requests < ENOUGH * cell.connections as u64;
    }
    rows.extend((loops.requests > 0).then_some(loops));
    Ok(Measured(rows))
}

fn measure_round(
    scene: &Scene,
    cell: Cell,
    contender: &Contender,
    source: &mut Source,
    row: &mut Row,
) -> Outcome<()> {
    let load = Load {
        port: contender.port,
        paths: &contender.paths,
        connections: cell.connections,
        requested: cell.requested,
        seconds: scene.seconds,
    };
    let pulls = source.pulls()?;
    let before = contender.process.processor_time();
    let round = load.run(scene)?;
    let used = contender.process.processor_time().saturating_sub(before);
    row.add(&round, used, scene.rounds);
    if contender.server.reads_the_source()
        && let (Some(before), Some(after)) = (pulls, source.pulls()?)
    {
        row.pulls += after - before;
    }
    contender.process.calm(&scene.interrupt)?;
    source.calm(scene)
}
