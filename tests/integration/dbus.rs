//! Kind `dbus` on a private bus.

mod shared;

use crate::support::{Exporter, exposition, until};
use local_exporter_daemons::bus::{Bus, BusKind, BusOptions};
use local_exporter_daemons::prombus::{self, Prombus, Reply};

/// A system bus with prombus, and an exporter with a selector `it` for `PromMetrics` and one for
/// each faulty method.
struct Scene {
    exporter: Exporter,
    prombus: Prombus,
    _bus: Bus,
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

/// A selector of prombus with a bus of its own.
fn on_its_bus(name: &str, bus: &str) -> String {
    format!(
        "[bridge.selectors.{name}]\nkind = \"dbus\"\nbus = \"{bus}\"\npath = \"{}\"\n\
         destination = \"{}\"\nmethod = \"{}.{}\"\n",
        prombus::PATH,
        prombus::NAME,
        prombus::INTERFACE,
        prombus::METHOD
    )
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
        _bus: bus,
    }
}

#[test]
fn the_body_is_that_of_the_reply() {
    let scene = scene("");
    for _ in 0..10 {
        let reply = scene.exporter.scrape("it");
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(Some(reply.body), scene.prombus.last_served());
    }
    assert_eq!(scene.prombus.calls(), 10);
}

#[test]
fn strings_and_structs_of_bytes_are_accepted_too_and_nothing_else() {
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
fn a_daemon_that_never_replies_times_out_any_number_of_times() {
    // By default a bus allows 128 pending calls per connection; this one allows four.
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
    prombus.set_reply(Reply::Never);
    for _ in 0..20 {
        exporter.scrape("it").assert_error(504, "it", "timeout");
    }
    prombus.set_reply(Reply::Bytes(b"back 1\n".to_vec()));
    until("the service responds", || {
        exporter.scrape("it").body == b"back 1\n"
    });
}

#[test]
fn a_selector_may_name_its_bus_or_use_the_session_bus() {
    let (one, two) = (system_bus(), system_bus());
    let first = Prombus::start(&one.address(), || b"one 1\n".to_vec()).unwrap();
    let second = Prombus::start(&two.address(), || b"two 2\n".to_vec()).unwrap();
    let exporter = Exporter::start(&format!(
        "[bridge]\ndbus_session_bus_address = \"{}\"\n{}{}",
        one.address(),
        on_its_bus("session", "session"),
        on_its_bus("named", &two.address()),
    ));
    assert_eq!(exporter.scrape("session").body, b"one 1\n");
    assert_eq!(exporter.scrape("named").body, b"two 2\n");
    drop((first, second));
}

#[test]
fn the_addresses_of_a_list_are_tried_in_order_and_decoded() {
    let (bus, other) = (system_bus(), system_bus());
    let prombus = Prombus::start(&bus.address(), || b"one 1\n".to_vec()).unwrap();
    let escaped = bus.address().replace("path=/", "path=%2f");
    let absent = "unix:path=/nonexistent/a%20bus";
    let exporter = Exporter::start(&format!(
        "{}{}{}",
        on_its_bus("second", &format!("{absent};{escaped}")),
        on_its_bus("first", &format!("{escaped};{}", other.address())),
        on_its_bus("none", &format!("{absent};unix:abstract=/nonexistent")),
    ));
    assert_eq!(exporter.scrape("second").body, b"one 1\n");
    assert_eq!(exporter.scrape("first").body, b"one 1\n");
    let failed = exporter.scrape("none");
    failed.assert_error(502, "none", "bus");
    let text = String::from_utf8(failed.body).unwrap();
    assert!(text.contains("/nonexistent/a bus: "), "{text}");
    assert!(text.contains("; @/nonexistent: "), "{text}");
    drop(prombus);
}
