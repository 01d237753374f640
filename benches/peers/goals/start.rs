//! The time from starting the program to its first response, which comes shortly after it listens.

use super::{Line, Verdict};
use crate::Outcome;
use crate::crowd::{Crowd, Numbers};
use crate::scene::Scene;
use crate::server::exporter::Exporter;
use std::time::{Duration, Instant};

/// The number of starts; the slowest counts.
const STARTS: u32 = 5;

pub(super) fn measure(scene: &Scene) -> Outcome<Vec<Line>> {
    let few = Numbers {
        files: 2,
        sockets: 1,
        hung: 0,
    };
    let few = line(scene, few, "< 50 ms", Duration::from_millis(50))?;
    let many = line(scene, Numbers::MANY, "< 1 s", Duration::from_secs(1))?;
    Ok(vec![few, many])
}

fn line(scene: &Scene, numbers: Numbers, limit: &'static str, within: Duration) -> Outcome<Line> {
    let crowd = Crowd::of(scene, numbers)?;
    let (mut listening, mut ready) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..STARTS {
        let begun = Instant::now();
        let exporter = Exporter::launch(scene, &crowd.selectors)?;
        exporter.wait_for("/-/healthy", scene)?;
        listening = listening.max(begun.elapsed());
        exporter.wait_for("/-/ready", scene)?;
        ready = ready.max(begun.elapsed());
    }
    Ok(Line {
        what: format!("start with {} selectors, until it listens", numbers.well()),
        limit,
        reached: format!(
            "first response after {}, ready after {} (worst of {STARTS})",
            milliseconds(listening),
            milliseconds(ready)
        ),
        verdict: Verdict::of(listening < within),
    })
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.0} ms", duration.as_secs_f64() * 1e3)
}
