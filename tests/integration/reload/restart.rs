//! Changes that need a restart are logged.

use super::{ENABLED, logged, reload};
use crate::support::{Exporter, until};

#[test]
fn changed_keys_that_need_a_restart_are_logged() {
    let exporter = Exporter::start(ENABLED);
    reload(
        &exporter,
        "lifecycle = true\nmax_connections = 7\ntelemetry_path = \"/m\"\n",
    );
    assert_eq!(exporter.get("/metrics").status, 200);
    assert_eq!(exporter.get("/m").status, 404);
    until("the keys are in the log", || {
        let events = logged(&exporter, "changed keys take effect after a restart");
        events
            .first()
            .is_some_and(|event| event["keys"] == "telemetry_path, max_connections")
    });
}
