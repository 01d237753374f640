//! The processor time of an exporter without requests.

use super::{Line, Verdict};
use crate::Outcome;
use crate::crowd::{Crowd, Numbers};
use crate::plan::Plan;
use crate::scene::Scene;
use crate::server::exporter::Exporter;

pub(super) fn measure(plan: &Plan, scene: &Scene) -> Outcome<Vec<Line>> {
    let crowd = Crowd::of(scene, Numbers::MANY)?;
    let exporter = Exporter::start(scene, &crowd.selectors)?;
    let how_long = plan.idle();
    let before = exporter.process.processor_time();
    scene.interrupt.pause(how_long)?;
    let used = exporter.process.processor_time().saturating_sub(before);
    let share = 100.0 * used.as_secs_f64() / how_long.as_secs_f64();
    Ok(vec![Line {
        what: "idle, 2,000 selectors".to_owned(),
        limit: "< 0.5 % of one core",
        reached: format!("{share:.2} % ({used:?} in {how_long:?})"),
        verdict: Verdict::of(share < 0.5),
    }])
}
