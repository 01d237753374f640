//! Errors that are easily confused are distinguished, each by a message that says what to change.

use super::bus::{selector, system_bus};
use super::scene::TIMEOUT;
use crate::namespaces::{AS_NOBODY, nobody_can_run_it, under};
use crate::support::{Exporter, open_to_all, program, quoted};
use local_exporter_daemons::bus::{Bus, BusOptions};
use local_exporter_daemons::fault::Behaviour;
use local_exporter_daemons::prombus::NAME;
use local_exporter_daemons::scripted::ScriptedDaemon;
use local_exporter_daemons::scripted_service::{Reply, ScriptedService};
use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

/// A selector of a bus with another name.
fn on(bus: &Bus, name: &str) -> String {
    selector(bus, TIMEOUT / 6).replace("selectors.it]", &format!("selectors.{name}]"))
}

fn bus(options: BusOptions) -> (Bus, ScriptedService) {
    let bus = options.start().unwrap();
    let service = ScriptedService::start(&bus.address(), Reply::Never).unwrap();
    (bus, service)
}

#[test]
fn no_socket_no_permission_no_such_user_a_policy_no_service_and_no_reply() {
    let folder = tempfile::tempdir().unwrap();
    open_to_all(folder.path());
    let deny =
        format!("<policy context=\"mandatory\"><deny send_destination=\"{NAME}\"/></policy>");
    let shared = |name: &str| {
        let directory = folder.path().join(name);
        fs::create_dir(&directory).unwrap();
        open_to_all(&directory);
        system_bus().directory(directory)
    };
    let (silent, _service) = bus(shared("silent"));
    let (strict, _denied) = bus(shared("strict").extra_xml(&deny));
    let empty = shared("empty").start().unwrap();
    let (closed, hung) = (folder.path().join("closed"), folder.path().join("hung"));
    let start = |path, behaviour| ScriptedDaemon::start(path, behaviour).unwrap();
    let _closed = start(&closed, Behaviour::Nothing);
    let _hung = start(&hung, Behaviour::HangAfterAccept);
    fs::set_permissions(&closed, Permissions::from_mode(0o755)).unwrap();
    let socket = |name: &str, path| {
        format!(
            "[bridge.selectors.{name}]\nkind = \"uds\"\npath = {}\ntimeout = \"500ms\"\n",
            quoted(path)
        )
    };
    let config = socket("no_socket", &folder.path().join("none"))
        + &socket("no_permission", &closed)
        + &socket("no_answer", &hung)
        + &on(&silent, "no_reply")
        + &on(&strict, "policy")
        + &on(&empty, "no_service");
    let mut cases = vec![
        (
            "no_socket",
            502,
            "absent",
            "; the daemon is not running, or its socket is at another path",
        ),
        ("no_answer", 504, "timeout", "; it wrote nothing ("),
        (
            "no_reply",
            504,
            "timeout",
            "; the method was called and did not reply",
        ),
        (
            "policy",
            502,
            "denied",
            "; the bus policy must allow this user to call the method",
        ),
        (
            "no_service",
            502,
            "absent",
            "; no process owns that name on the bus (with auto_start",
        ),
    ];
    let exporter = if nobody_can_run_it() {
        let hint = "/closed (0755 0:0): it needs permission w";
        cases.push(("no_permission", 502, "denied", hint));
        Exporter::start_as(under(&AS_NOBODY), &config)
    } else {
        Exporter::start_as(program(), &config)
    };
    let sentences = cases.iter().map(|(selector, status, reason, hint)| {
        let reply = exporter.scrape(selector);
        reply.assert_error(*status, selector, reason);
        let text = reply.text();
        assert!(text.contains(hint), "{text:?} lacks {hint:?}");
        println!("{}", text.trim_end());
        text
    });
    assert_eq!(sentences.collect::<BTreeSet<_>>().len(), cases.len());
}

#[test]
fn a_user_that_the_bus_does_not_accept() {
    let (bus, _service) = bus(system_bus());
    let wrong_user = format!("[bridge]\ndbus_auth_uid = 12345\n{}", on(&bus, "it"));
    let exporter = Exporter::start(&wrong_user);
    let reply = exporter.scrape("it");
    reply.assert_error(502, "it", "denied");
    let hint = "; the bus did not accept this user (dbus_auth_uid is the uid that it sees)";
    assert!(reply.text().contains(hint), "{}", reply.text());
}

/// The socket of a bus requires write permission like any other.
#[test]
fn a_bus_whose_socket_denies_the_connection() {
    if !nobody_can_run_it() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    open_to_all(folder.path());
    let bus = system_bus().directory(folder.path()).start().unwrap();
    fs::set_permissions(bus.socket(), Permissions::from_mode(0o755)).unwrap();
    let exporter = Exporter::start_as(under(&AS_NOBODY), &on(&bus, "it"));
    let reply = exporter.scrape("it");
    reply.assert_error(502, "it", "denied");
    let hint = format!(
        "; uid 65534 may not connect to {} (0755 0:0): it needs permission w",
        bus.socket().display()
    );
    assert!(reply.text().contains(&hint), "{}", reply.text());
}
