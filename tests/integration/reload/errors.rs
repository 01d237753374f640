//! A configuration with errors changes nothing and is reported; drop-ins with errors keep their last
//! valid version, or are left out.

use super::{ENABLED, Scene, ask, enabled, hash, logged, reload};
use crate::support::{Exporter, until};
use std::fs;

#[test]
fn a_configuration_with_errors_changes_nothing_and_is_reported() {
    let scene = Scene::new();
    let good = scene.selector("it", "file", "one.prom", "");
    let exporter = Exporter::start(&enabled(&good));
    let (successful, at) = (
        "local_exporter_config_last_reload_successful",
        "local_exporter_config_last_reload_success_timestamp_seconds",
    );
    let before = (hash(&exporter), exporter.metric(at).unwrap());
    assert_eq!(exporter.metric(successful), Some(1.0));

    exporter.configure(&enabled(
        "it = { kind = \"telepathy\" }\nother = { kind = \"uds\" }\n",
    ));
    let reply = ask(&exporter, "POST");
    assert_eq!(reply.status, 500);
    let text = reply.text();
    assert!(text.starts_with("failed to reload config: "), "{text}");
    assert!(
        text.contains("telepathy") && text.contains("selectors.other"),
        "{text}"
    );
    assert_eq!(exporter.metric(successful), Some(0.0));
    assert_eq!(exporter.metric(at), Some(before.1));
    assert_eq!(hash(&exporter).to_bits(), before.0.to_bits());
    assert_eq!(exporter.scrape("it").text(), "one_file 1\n");
    assert!(exporter.get("/config").text().contains("one.prom"));
    until("each error is in the log", || {
        logged(&exporter, "configuration error").len() == text.lines().count()
    });

    reload(&exporter, &enabled(&good));
    assert_eq!(exporter.metric(successful), Some(1.0));
    assert!(exporter.metric(at).unwrap() > before.1);
}

#[test]
fn a_drop_in_that_becomes_invalid_keeps_its_last_valid_selectors_and_is_reported() {
    let scene = Scene::new();
    let drop_ins = scene.path("conf.d");
    fs::create_dir(&drop_ins).unwrap();
    let selectors = "[bridge.selectors]\n".to_owned();
    let (one, two) = (drop_ins.join("one.toml"), drop_ins.join("two.toml"));
    let right = selectors.clone() + &scene.selector("one", "file", "one.prom", "");
    fs::write(&one, &right).unwrap();
    fs::write(
        &two,
        selectors + &scene.selector("two", "file", "two.prom", ""),
    )
    .unwrap();
    let script = format!(
        "LOCAL_EXPORTER__BRIDGE__SELECTORS__ONE__TIMEOUT=2s exec \"$@\" --config.dropins {}",
        drop_ins.display()
    );
    let exporter = Exporter::start_under(&["sh", "-c", &script, "sh"], ENABLED);
    let series = [
        "local_exporter_config_dropins_left_out",
        "local_exporter_config_dropins_kept",
        "local_exporter_config_last_reload_successful",
    ];
    let seen = || series.map(|series| exporter.metric(series).unwrap());
    assert_eq!(exporter.scrape("one").status, 200);
    assert_eq!(seen(), [0.0, 0.0, 1.0]);

    fs::write(&one, "[bridge.selectors]\none = { kind = \"usd\" }\n").unwrap();
    let reply = ask(&exporter, "POST");
    let text = reply.text();
    let lines: Vec<_> = text.lines().collect();
    let expected = format!(
        "last valid version kept: {}:2:16: bridge.selectors.one.kind: ",
        one.display()
    );
    assert_eq!((reply.status, lines.len()), (200, 2), "{text}");
    assert!(lines[1].starts_with(&expected), "{text}");
    assert_eq!(exporter.scrape("one").text(), "one_file 1\n");
    assert_eq!(exporter.scrape("two").text(), "two_file 1\n");
    assert!(exporter.get("/sd").text().contains("\"one\""));
    assert_eq!(seen(), [0.0, 1.0, 1.0]);

    // A new one with an error has no valid version.
    let three = drop_ins.join("three.toml");
    fs::write(&three, "not TOML").unwrap();
    let text = ask(&exporter, "POST").text();
    let expected = format!("left out: {}:1:5: ", three.display());
    assert!(text.contains(&expected), "{expected} is not in {text}");
    assert_eq!(seen(), [1.0, 1.0, 1.0]);
    let landing = exporter.get("/").text();
    let missing = exporter.scrape("onee").text();
    assert!(missing.contains("did you mean \"one\"?"), "{missing}");
    for file in [&one, &three] {
        let file = file.to_str().unwrap();
        assert!(landing.contains(file), "{landing}");
        assert!(missing.contains(file), "{missing}");
    }
    fs::remove_file(&three).unwrap();
    assert_eq!(ask(&exporter, "POST").status, 200);
    // The refused configuration is not applied.
    exporter.configure("lifecycle = 7\n");
    fs::write(&two, "not TOML").unwrap();
    assert_eq!(ask(&exporter, "POST").status, 500);
    assert_eq!(seen(), [0.0, 1.0, 0.0]);

    exporter.configure(ENABLED);
    for path in [&one, &two] {
        fs::write(path, &right).unwrap();
    }
    let reply = ask(&exporter, "POST");
    assert_eq!(reply.text(), "the configuration was reloaded\n");
    assert_eq!(seen(), [0.0, 0.0, 1.0]);
}
