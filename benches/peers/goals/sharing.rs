//! Overlapping scrapes of one selector are served by one pull.
//!
//! The daemon takes 20 ms to respond, so that all 16 connections wait during each pull.

use super::{Line, Verdict};
use crate::Outcome;
use crate::cell::Encoding;
use crate::crowd::SERIES;
use crate::daemon::Daemon;
use crate::load::{Load, Paths};
use crate::scene::Scene;
use crate::server::exporter::{Exporter, PATH};
use crate::source::uds_selector;

const CONNECTIONS: usize = 16;
/// Milliseconds.
const DELAY: &str = "20";
/// One less than all of them: no client waits for the last pull of a round.
const SCRAPES_A_PULL: f64 = 15.0;

pub(super) fn measure(scene: &Scene) -> Outcome<Vec<Line>> {
    let server_folder = scene.server_folder()?;
    let options = ["--delay", DELAY, "--series", &SERIES.to_string()];
    let mut daemon = Daemon::on_sockets(server_folder.path(), &options)?;
    let exporter = Exporter::start(scene, &uds_selector("s0", &server_folder.path().join("0")))?;
    let load = Load {
        port: exporter.port,
        paths: &Paths::One(format!("{PATH}s0")),
        connections: CONNECTIONS,
        requested: Encoding::Plain,
        seconds: scene.seconds,
    };
    let scrapes = load.run_well(scene)?.requests;
    let counts = daemon.counts()?;
    let each = scrapes as f64 / counts.pulls.max(1) as f64;
    Ok(vec![Line {
        what: format!("{CONNECTIONS} concurrent scrapes of one `uds` selector"),
        limit: "one pull serves those that overlap",
        reached: format!(
            "{scrapes} scrapes from {} pulls ({each:.1} each), at most {} pull at once",
            counts.pulls, counts.at_once
        ),
        verdict: Verdict::of(counts.at_once == 1 && each >= SCRAPES_A_PULL),
    }])
}
