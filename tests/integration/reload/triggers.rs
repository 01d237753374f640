//! Requests, signals and changes of the file trigger reloads.

use super::{ENABLED, Scene, ask, logged};
use crate::support::{Exporter, until};

#[test]
fn requests_can_reload_only_with_lifecycle_enabled() {
    let exporter = Exporter::start("");
    for method in ["POST", "PUT"] {
        let reply = ask(&exporter, method);
        assert_eq!(reply.status, 403, "{method}");
        assert_eq!(reply.text(), "Lifecycle API is not enabled.\n");
    }
    let reply = ask(&exporter, "GET");
    assert_eq!(reply.status, 405);
    assert_eq!(reply.header("allow"), Some("POST, PUT"));

    // A signal can always reload. The result applies from the next request on.
    exporter.configure(ENABLED);
    exporter.signal("HUP");
    until("the configuration was reloaded", || {
        !logged(&exporter, "configuration reloaded").is_empty()
    });
    assert_eq!(ask(&exporter, "PUT").status, 200);
    assert_eq!(ask(&exporter, "GET").status, 405);
}

#[test]
fn auto_reload_detects_changes() {
    let scene = Scene::new();
    let with = |name: &str| {
        let selector = scene.selector(name, "file", "one.prom", "");
        format!("auto_reload = true\n[bridge.selectors]\n{selector}")
    };
    let exporter = Exporter::start(&with("before"));
    exporter.configure(&with("after"));
    until("the new selector is served", || {
        exporter.scrape("after").status == 200
    });
    assert_eq!(exporter.scrape("before").status, 404);

    exporter.configure("auto_reload = 7\n");
    let successful = "local_exporter_config_last_reload_successful";
    until("the reload has failed", || {
        exporter.metric(successful) == Some(0.0)
    });
    assert_eq!(exporter.scrape("after").status, 200);
}
