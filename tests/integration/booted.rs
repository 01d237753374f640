//! The unmodified unit in booted systems: Debian 12 (systemd 252) and Debian 13 (systemd 257) with
//! their dbus-daemon, in containers of systemd-nspawn.
//!
//! Ignored, since it installs two systems with debootstrap (root, about 600 MB below `target/`, three
//! minutes for the first run): `cargo test --test integration booted:: -- --ignored`.

mod system;

use system::System;

fn the_unit_works_in(suite: &str) {
    let Some(system) = System::install(suite) else {
        return;
    };
    let results = system.boot(include_str!("booted/unit.sh"));
    let expected = [
        ("verify", "0\n"),
        ("start", "0\n"),
        ("user", "local-exporter\n"),
        ("dbus", "200 prombus\n"),
        ("reload", "0\n"),
        ("reloaded", "200 added\n"),
        ("invalid reload", "1\n"),
        ("after the invalid reload", "200 added\n"),
        ("watchdog", "30s notify\n"),
        ("restarts with an invalid configuration", "many\n"),
        ("corrected", "200 added\n"),
    ];
    for (what, result) in expected {
        assert_eq!(results.of(what), result, "{suite}: {what}: {results}");
    }
}

#[test]
#[ignore = "installs and boots a system"]
fn the_unit_works_with_systemd_252() {
    the_unit_works_in("bookworm");
}

#[test]
#[ignore = "installs and boots a system"]
fn the_unit_works_with_systemd_257() {
    the_unit_works_in("trixie");
}
