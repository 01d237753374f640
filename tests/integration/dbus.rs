//! Kind `dbus` on a real, private bus.

use crate::support::{Exporter, exposition, until};
use local_exporter_daemons::bus::{Bus, BusKind, BusOptions};
use local_exporter_daemons::prombus::{self, Answer, Prombus};
use std::time::{Duration, Instant};

/// A system bus, prombus on it, and an exporter with a selector `it` for
/// `PromMetrics` and one for each method of the faults.
struct Scene {
    exporter: Exporter,
    prombus: Prombus,
    bus: Bus,
}

const FAULTS: [&str; 7] = [
    "Never", "Error", "Text", "Structs", "Number", "Empty", "Large",
];

fn selectors(more: &str) -> String {
    let selector = |name: &str, method: &str| {
        let (destination, path) = (prombus::NAME, prombus::PATH);
        format!(
            "[bridge.selectors.{name}]\nkind = \"dbus\"\ndestination = \"{destination}\"\n\
             method = \"{method}\"\npath = \"{path}\"\n{more}\n"
        )
    };
    let mut text = selector("it", &format!("{}.{}", prombus::INTERFACE, prombus::METHOD));
    for fault in FAULTS {
        text += &selector(fault, &format!("{}.{fault}", prombus::FAULTS));
    }
    text + &selector("unknown", &format!("{}.Nothing", prombus::FAULTS))
}

fn system_bus() -> Bus {
    BusOptions::new().kind(BusKind::System).start().unwrap()
}

fn on(bus: &Bus, more: &str) -> Exporter {
    let address = bus.address();
    Exporter::start(&format!(
        "[bridge]\ndbus_system_bus_address = \"{address}\"\n{}",
        selectors(more)
    ))
}

fn scene(more: &str) -> Scene {
    let bus = system_bus();
    let prombus = Prombus::start(&bus.address(), exposition()).unwrap();
    Scene {
        exporter: on(&bus, more),
        prombus,
        bus,
    }
}

#[test]
fn the_bytes_are_those_of_the_reply() {
    let scene = scene("");
    for _ in 0..10 {
        let reply = scene.exporter.scrape("it");
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(Some(reply.body), scene.prombus.last_served());
    }
    assert_eq!(scene.prombus.calls(), 10);
}

#[test]
fn strings_and_structs_of_bytes_are_taken_as_well_and_nothing_else() {
    let scene = scene("max_bytes = \"1MiB\"");
    for signature in ["Text", "Structs"] {
        let reply = scene.exporter.scrape(signature);
        assert_eq!(reply.status, 200, "{signature}: {}", reply.text());
        assert_eq!(Some(reply.body), scene.prombus.last_served(), "{signature}");
    }
    let number = scene.exporter.scrape("Number");
    number.assert_error(502, "Number", "malformed");
    assert!(
        number.text().contains("signature \"u\", expected \"ay\""),
        "{}",
        number.text()
    );
    scene
        .exporter
        .scrape("Empty")
        .assert_error(502, "Empty", "empty");
    scene
        .exporter
        .scrape("Error")
        .assert_error(502, "Error", "refused");
    scene
        .exporter
        .scrape("unknown")
        .assert_error(502, "unknown", "refused");
    scene.prombus.set_large(1 << 20);
    assert_eq!(scene.exporter.scrape("Large").body.len(), 1 << 20);
    scene.prombus.set_large((1 << 20) + 1);
    scene
        .exporter
        .scrape("Large")
        .assert_error(502, "Large", "too_large");
    assert_eq!(scene.exporter.scrape("it").status, 200);
}

#[test]
fn a_daemon_that_never_replies_times_out_as_often_as_it_likes() {
    // The bus allows 128 unanswered calls on a connection; here only four.
    let bus = BusOptions::new()
        .kind(BusKind::System)
        .limit("max_replies_per_connection", 4)
        .start()
        .unwrap();
    let prombus = Prombus::start(&bus.address(), exposition()).unwrap();
    let exporter = on(&bus, "timeout = \"50ms\"");
    for _ in 0..20 {
        exporter
            .scrape("Never")
            .assert_error(504, "Never", "timeout");
    }
    prombus.set_answer(Answer::Never);
    for _ in 0..20 {
        exporter.scrape("it").assert_error(504, "it", "timeout");
    }
    prombus.set_answer(Answer::Bytes(b"back 1\n".to_vec()));
    until("it answers", || exporter.scrape("it").body == b"back 1\n");
}

#[test]
fn a_name_nobody_owns_is_absent_and_may_come() {
    let bus = system_bus();
    let exporter = on(&bus, "");
    let reply = exporter.scrape("it");
    reply.assert_error(502, "it", "absent");
    assert!(reply.text().contains("auto_start"), "{}", reply.text());
    let prombus = Prombus::start(&bus.address(), exposition()).unwrap();
    assert_eq!(exporter.scrape("it").status, 200);
    drop(prombus);
    exporter.scrape("it").assert_error(502, "it", "absent");
}

#[test]
fn a_bus_that_is_killed_and_returns_is_found_again() {
    let Scene {
        exporter,
        prombus: mut daemon,
        mut bus,
    } = scene("");
    for _ in 0..3 {
        let reply = exporter.scrape("it");
        assert_eq!(Some(reply.body), daemon.last_served());
        bus.kill().unwrap();
        exporter.scrape("it").assert_error(502, "it", "bus");
        bus.restart().unwrap();
        daemon = Prombus::start(&bus.address(), exposition()).unwrap();
        let reply = exporter.scrape("it");
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(Some(reply.body), daemon.last_served());
        assert_eq!(exporter.actor("it")["restarts"], 0);
    }
}

#[test]
fn a_bus_that_hangs_costs_the_deadline_and_no_more() {
    let Scene {
        exporter,
        prombus,
        mut bus,
    } = scene("timeout = \"300ms\"");
    bus.pause().unwrap();
    // The first has a connection to make: that wait is bounded too.
    for _ in 0..2 {
        let began = Instant::now();
        exporter.scrape("it").assert_error(504, "it", "timeout");
        assert!(
            began.elapsed() < Duration::from_secs(3),
            "{:?}",
            began.elapsed()
        );
    }
    bus.resume().unwrap();
    until("it answers", || exporter.scrape("it").status == 200);
    drop(prombus);
}

#[test]
fn a_policy_that_denies_is_told_apart() {
    let deny = format!(
        "<policy context=\"mandatory\"><deny send_destination=\"{}\"/></policy>",
        prombus::NAME
    );
    let bus = BusOptions::new().extra_xml(&deny).start().unwrap();
    let _prombus = Prombus::start(&bus.address(), exposition()).unwrap();
    let exporter = on(&bus, "");
    let reply = exporter.scrape("it");
    reply.assert_error(502, "it", "denied");
    assert!(reply.text().contains("policy"), "{}", reply.text());
}

#[test]
fn a_selector_may_name_its_bus_or_use_the_session_bus() {
    let (one, two) = (system_bus(), system_bus());
    let first = Prombus::start(&one.address(), || b"one 1\n".to_vec()).unwrap();
    let second = Prombus::start(&two.address(), || b"two 2\n".to_vec()).unwrap();
    let selector = |name: &str, bus: &str| {
        format!(
            "[bridge.selectors.{name}]\nkind = \"dbus\"\nbus = \"{bus}\"\npath = \"{}\"\n\
             destination = \"{}\"\nmethod = \"{}.{}\"\n",
            prombus::PATH,
            prombus::NAME,
            prombus::INTERFACE,
            prombus::METHOD
        )
    };
    let exporter = Exporter::start(&format!(
        "[bridge]\ndbus_session_bus_address = \"{}\"\n{}{}",
        one.address(),
        selector("session", "session"),
        selector("named", &two.address()),
    ));
    assert_eq!(exporter.scrape("session").body, b"one 1\n");
    assert_eq!(exporter.scrape("named").body, b"two 2\n");
    drop((first, second));
}

#[test]
fn a_daemon_that_goes_away_during_the_call_has_not_timed_out() {
    let Scene {
        exporter,
        prombus,
        bus,
    } = scene("timeout = \"20s\"");
    assert_eq!(exporter.scrape("it").status, 200);
    let calls = prombus.calls();
    prombus.set_answer(Answer::Never);
    std::thread::scope(|scope| {
        let scrape = scope.spawn(|| exporter.scrape("it"));
        until("the call is under way", || prombus.calls() > calls);
        drop(prombus);
        scrape.join().unwrap().assert_error(502, "it", "reset");
    });
    drop(bus);
}
