//! Hosts with one fault each, checked by an unprivileged user.

use super::{Scene, allow, assert_found, of, serving};
use crate::confinement::bus_selector;
use crate::namespaces::{AS_NOBODY, nobody_can_run_it, under};
use crate::support::{open_to_all, quoted};
use local_exporter_daemons::bus::{Bus, BusKind, BusOptions};
use local_exporter_daemons::fault::Behaviour;
use local_exporter_daemons::prombus::{NAME, Prombus};
use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::net::UnixListener;

/// A bus in a directory of the scene, with a selector.
fn bus(scene: &mut Scene, name: &str, options: BusOptions) -> Bus {
    let directory = scene.at(name);
    fs::create_dir(&directory).unwrap();
    open_to_all(&directory);
    let bus = options.kind(BusKind::System).directory(directory);
    let bus = bus.start().unwrap();
    bus_at(scene, name, &bus.address());
    bus
}

fn bus_at(scene: &mut Scene, name: &str, address: &str) {
    let selector = bus_selector(address);
    scene.config += &selector.replace("selectors.bus]", &format!("selectors.{name}]"));
}

/// A selector, its reason, the finding and the remedy; `FOLDER` is the folder of the scene.
type Row = (&'static str, &'static str, &'static str, &'static str);

fn assert_rows(scene: &Scene, rows: &[Row]) {
    let (code, reports) = scene.reports(under(&AS_NOBODY));
    assert_eq!(code, Some(1));
    let folder = scene.folder.path().to_str().unwrap();
    let (_, lines, _) = scene.check(under(&AS_NOBODY), &[]);
    for (selector, reason, what, remedy) in rows {
        let [what, remedy] = [what, remedy].map(|text| text.replace("FOLDER", folder));
        let report = of(&reports, selector);
        assert_found(report, "not_ready", Some(reason), &what, &remedy);
        let begin = format!("{selector}: {reason}: ");
        let line = lines.lines().find(|line| line.starts_with(&begin));
        let line = line.unwrap_or_else(|| panic!("{begin} is not in {lines}"));
        assert!(line.contains(&what) && line.contains(&remedy), "{line}");
    }
    print!("{lines}");
}

#[test]
fn every_fault_of_a_socket_is_found_with_its_remedy() {
    if !nobody_can_run_it() {
        return;
    }
    let mut scene = Scene::new();
    let _daemons = [
        scene.daemon("locked/sock", 0o666, serving()),
        scene.daemon("closed", 0o600, serving()),
        scene.daemon("group", 0o660, serving()),
        scene.daemon("silent", 0o666, Behaviour::HangAfterAccept),
        scene.daemon("wrong", 0o666, Behaviour::Serve(b"a b c\n".to_vec())),
    ];
    allow(&scene.at("locked"), 0o700);
    chown(scene.at("group"), None, Some(1)).unwrap();
    drop(UnixListener::bind(scene.at("left")).unwrap());
    allow(&scene.at("left"), 0o666);
    scene.file("file", 0o644);
    for name in ["absent", "closed", "group", "left", "wrong", "file"] {
        scene.selector(name, "uds", name);
    }
    scene.selector("locked", "uds", "locked/sock");
    let silent = quoted(&scene.at("silent"));
    scene.config +=
        &format!("selectors.silent = {{ kind = \"uds\", path = {silent}, timeout = \"500ms\" }}\n");
    let rows: [Row; 8] = [
        (
            "absent",
            "absent",
            "FOLDER/absent does not exist",
            "start the daemon, or correct the path",
        ),
        (
            "locked",
            "denied",
            "uid 65534 may not search FOLDER/locked (0700 root:root): it needs permission x",
            "chmod o+x FOLDER/locked, or chgrp it to a group of the exporter and chmod g+x",
        ),
        (
            "closed",
            "denied",
            "uid 65534 may not connect to FOLDER/closed (0600 root:root): it needs permission w",
            "chmod 0666 FOLDER/closed, or chgrp it to a group of the exporter and chmod 0660",
        ),
        (
            "group",
            "denied",
            "may not connect to FOLDER/group (0660 root:",
            "chmod 0666 FOLDER/group, or add the exporter to group ",
        ),
        (
            "left",
            "refused",
            "no process listens on it",
            "restart the daemon",
        ),
        (
            "file",
            "unsuitable",
            "FOLDER/file is not a socket",
            "set `kind = \"file\"`",
        ),
        ("silent", "timeout", "FOLDER/silent", "raise `timeout`"),
        ("wrong", "malformed", "line 1", "`local-exporter lint`"),
    ];
    assert_rows(&scene, &rows);
}

#[test]
fn every_fault_of_files_is_found_with_its_remedy() {
    if !nobody_can_run_it() {
        return;
    }
    let mut scene = Scene::new();
    scene.file("closed.prom", 0o600);
    scene.file("other/other.txt", 0o644);
    scene.file("unlisted/m.prom", 0o644);
    allow(&scene.at("unlisted"), 0o711);
    scene.file("unsearched/m.prom", 0o644);
    allow(&scene.at("unsearched"), 0o744);
    scene.file("partly/good.prom", 0o644);
    scene.file("partly/closed.prom", 0o600);
    let _daemon = scene.daemon("sock", 0o666, serving());
    for (name, path) in [
        ("closed", "closed.prom"),
        ("unmatched", "other"),
        ("pattern", "other/*.prom"),
        ("unlisted", "unlisted"),
        ("unsearched", "unsearched"),
        ("absent", "none/m.prom"),
        ("socket", "sock"),
        ("partly", "partly"),
    ] {
        scene.selector(name, "file", path);
    }
    let rows: [Row; 7] = [
        (
            "closed",
            "denied",
            "uid 65534 may not read FOLDER/closed.prom (0600 root:root)",
            "chmod o+r FOLDER/closed.prom",
        ),
        (
            "unmatched",
            "absent",
            "no file matches in FOLDER/other; FOLDER/other/other.txt is passed over",
            "`pattern`",
        ),
        (
            "pattern",
            "absent",
            "no file matches in FOLDER/other/*.prom",
            "`path`",
        ),
        (
            "unlisted",
            "denied",
            "may not list FOLDER/unlisted (0711",
            "chmod o+rx FOLDER/unlisted",
        ),
        (
            "unsearched",
            "denied",
            "may not list FOLDER/unsearched (0744 root:root): it needs permission rx",
            "chmod o+rx FOLDER/unsearched",
        ),
        (
            "absent",
            "absent",
            "FOLDER/none does not exist",
            "mount it into FOLDER",
        ),
        (
            "socket",
            "unsuitable",
            "FOLDER/sock is not a regular file",
            "set `kind = \"uds\"`",
        ),
    ];
    assert_rows(&scene, &rows);
    // A partial body is served.
    let (_, reports) = scene.reports(under(&AS_NOBODY));
    let what = scene.at("partly/closed.prom").display().to_string();
    assert_found(of(&reports, "partly"), "warning", None, &what, "chmod o+r");
}

#[test]
fn every_fault_of_a_bus_is_found_with_its_remedy() {
    if !nobody_can_run_it() {
        return;
    }
    let mut scene = Scene::new();
    let deny =
        format!("<policy context=\"mandatory\"><deny send_destination=\"{NAME}\"/></policy>");
    let strict = bus(&mut scene, "policy", BusOptions::new().extra_xml(&deny));
    let closed = bus(&mut scene, "closed", BusOptions::new());
    let deny = "<policy context=\"mandatory\"><deny user=\"65534\"/></policy>";
    let _denied = bus(&mut scene, "denied", BusOptions::new().extra_xml(deny));
    let limit = "<limit name=\"max_connections_per_user\">0</limit>";
    let _full = bus(&mut scene, "full", BusOptions::new().extra_xml(limit));
    let _unknown = bus(&mut scene, "unknown", BusOptions::new());
    let _daemon = Prombus::start(&strict.address(), || b"a 1\n".to_vec()).unwrap();
    allow(&closed.socket(), 0o755);
    let nowhere = format!("unix:path={}", scene.at("nowhere").display());
    bus_at(&mut scene, "absent", &nowhere);
    let rows: [Row; 6] = [
        (
            "denied",
            "bus",
            "hung up during the handshake: it does not admit this user",
            "(<allow user=",
        ),
        (
            "full",
            "bus",
            "LimitsExceeded: The maximum number of active connections",
            "max_connections_per_user",
        ),
        (
            "absent",
            "bus",
            "FOLDER/nowhere does not exist",
            "start the daemon",
        ),
        (
            "closed",
            "denied",
            "may not connect to FOLDER/closed/",
            "chmod 0666 FOLDER/closed/",
        ),
        (
            "policy",
            "denied",
            "AccessDenied",
            "<allow send_destination=",
        ),
        (
            "unknown",
            "absent",
            "no process owns that name",
            "`auto_start = true`",
        ),
    ];
    assert_rows(&scene, &rows);

    let mut scene = Scene::new();
    scene.config += "dbus_auth_uid = 12345\n";
    let _bus = bus(&mut scene, "user", BusOptions::new());
    let remedy = "set `bridge.dbus_auth_uid` to the uid that the bus sees";
    assert_rows(
        &scene,
        &[("user", "denied", "did not accept this user", remedy)],
    );
}
