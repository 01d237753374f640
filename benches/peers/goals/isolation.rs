//! The effect of hung selectors on healthy ones.
//!
//! 1,800 selectors respond and 200 do not. Four connections scrape the healthy ones in turn; in
//! every other round, 200 more connections wait for the hung ones, each for one of them.

use super::{Line, Verdict};
use crate::Outcome;
use crate::cell::Encoding;
use crate::crowd::{Crowd, Numbers};
use crate::load::{Load, Paths};
use crate::scene::Scene;
use crate::server::exporter::{Exporter, PATH};

/// Rounds of each kind; the median of their 99th percentiles counts.
pub(super) const ROUNDS: u32 = 5;
/// Few enough that the processors have time for all of them.
const CONNECTIONS: usize = 4;
const HUNG: usize = 200;
const NUMBERS: Numbers = Numbers {
    files: 1_000,
    sockets: 800,
    hung: HUNG,
};

pub(super) fn measure(scene: &Scene) -> Outcome<Vec<Line>> {
    let crowd = Crowd::of(scene, NUMBERS)?;
    let exporter = Exporter::start(scene, &crowd.selectors)?;
    let paths = |name: &str, count| Paths::Many {
        prefix: format!("{PATH}{name}"),
        count,
    };
    let (well, hung) = (paths("s", NUMBERS.well()), paths("hung", HUNG));
    let healthy = Load {
        port: exporter.port,
        paths: &well,
        connections: CONNECTIONS,
        requested: Encoding::Plain,
        seconds: scene.seconds,
    };
    let waiting = Load {
        paths: &hung,
        connections: HUNG,
        // Ended by this benchmark, after the round of the healthy ones.
        seconds: scene.seconds + 60,
        ..healthy
    };
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        without.push(healthy.run_well(scene)?.p99);
        let _waiting = waiting.start(scene)?;
        with.push(healthy.run_well(scene)?.p99);
    }
    let [without, with] = [without, with].map(|mut all| {
        all.sort_unstable();
        all.get(all.len() / 2)
            .map_or(0.0, |middle| middle.as_secs_f64() * 1e3)
    });
    let ratio = with / without;
    Ok(vec![Line {
        what: "isolation: p99 of a healthy selector, 200 of 2,000 hung".to_owned(),
        limit: "≤ 1.2 × without them",
        reached: format!("{with:.2} ms / {without:.2} ms = {ratio:.2}"),
        verdict: Verdict::of(ratio <= 1.2),
    }])
}
