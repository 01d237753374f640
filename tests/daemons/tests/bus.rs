//! The private bus and the service on it: correct and faulty replies, and a bus that hangs, dies or
//! restarts.
//!
//! Needs the Debian package dbus-daemon; never touches a bus of the host.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, at the line that is wrong"
)]

mod client;

use client::{call, call_within, eventually, timed_out};
use local_exporter_daemons::bus::{Bus, BusError, BusKind, BusOptions};
use local_exporter_daemons::prombus::{
    Claim, FAULTS, INTERFACE, METHOD, NAME, Prombus, PrombusError, Reply,
};
use local_exporter_daemons::registry::Metrics;
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(150);

fn prombus(bus: &Bus) -> Prombus {
    let metrics = Metrics::new("prombus").unwrap();
    Prombus::start(&bus.address(), move || metrics.text()).unwrap()
}

fn bytes(bus: &Bus, interface: &str, method: &str) -> Vec<u8> {
    let reply = call(&bus.address(), interface, method).unwrap();
    assert_eq!(reply.body().signature().to_string(), "ay");
    reply.body().deserialize().unwrap()
}

#[test]
fn metrics_are_served_byte_for_byte() {
    let bus = Bus::start().unwrap();
    let prombus = prombus(&bus);
    let first = bytes(&bus, INTERFACE, METHOD);
    assert_eq!(prombus.last_served().unwrap(), first);
    let second = bytes(&bus, INTERFACE, METHOD);
    assert_ne!(first, second);
    assert_eq!(prombus.calls(), 2);
    let text = String::from_utf8(second).unwrap();
    assert!(text.contains("\nprombus_ticks_total 2\n"), "{text}");
}

#[test]
fn wrong_replies_have_the_declared_signatures() {
    let bus = Bus::start().unwrap();
    let prombus = prombus(&bus);
    for (method, signature) in [("Text", "s"), ("Structs", "a(y)"), ("Number", "u")] {
        let reply = call(&bus.address(), FAULTS, method).unwrap();
        assert_eq!(reply.body().signature().to_string(), signature, "{method}");
    }
    assert_eq!(bytes(&bus, FAULTS, "Empty"), b"");
    prombus.set_large(3 << 20);
    assert_eq!(bytes(&bus, FAULTS, "Large").len(), 3 << 20);
    let error = call(&bus.address(), FAULTS, "Error").unwrap_err();
    assert!(error.to_string().contains("asked to fail"), "{error}");
    let error = call_within(SHORT, &bus.address(), FAULTS, "Never").unwrap_err();
    assert!(timed_out(&error), "{error}");
}

#[test]
fn the_method_replies_as_it_was_set() {
    let bus = Bus::start().unwrap();
    let prombus = prombus(&bus);
    prombus.set_reply(Reply::Bytes(b"a 1\n".to_vec()));
    assert_eq!(bytes(&bus, INTERFACE, METHOD), b"a 1\n");
    prombus.set_reply(Reply::Late(SHORT, b"a 2\n".to_vec()));
    assert_eq!(bytes(&bus, INTERFACE, METHOD), b"a 2\n");
    prombus.set_reply(Reply::Error("no metrics today".to_owned()));
    let error = call(&bus.address(), INTERFACE, METHOD).unwrap_err();
    assert!(error.to_string().contains("no metrics today"), "{error}");
    prombus.set_reply(Reply::Never);
    let error = call_within(SHORT, &bus.address(), INTERFACE, METHOD).unwrap_err();
    assert!(timed_out(&error), "{error}");
    // Must return although one call is unanswered.
    drop(prombus);
    assert!(no_owner(&bus));
}

fn no_owner(bus: &Bus) -> bool {
    match call(&bus.address(), INTERFACE, METHOD) {
        Err(zbus::Error::FDO(error)) => {
            matches!(
                *error,
                zbus::fdo::Error::ServiceUnknown(_) | zbus::fdo::Error::NameHasNoOwner(_)
            )
        }
        _ => false,
    }
}

#[test]
fn the_name_is_free_after_the_drop_and_never_shared() {
    let bus = Bus::start().unwrap();
    let first = prombus(&bus);
    let second = Prombus::start(&bus.address(), Vec::new);
    assert!(matches!(second, Err(PrombusError::NameTaken)), "{second:?}");
    drop(first);
    assert!(no_owner(&bus));
    drop(prombus(&bus));
}

#[test]
fn a_name_that_is_claimed_in_turn_moves_and_comes_back() {
    let bus = Bus::start().unwrap();
    let start = |claim, body: &'static [u8]| {
        Prombus::start_claiming(claim, &bus.address(), move || body.to_vec()).unwrap()
    };
    let first = start(Claim::InTurn, b"first 1\n");
    assert_eq!(bytes(&bus, INTERFACE, METHOD), b"first 1\n");
    let second = start(Claim::Replacing, b"second 1\n");
    assert_eq!(bytes(&bus, INTERFACE, METHOD), b"second 1\n");
    drop(second);
    assert_eq!(bytes(&bus, INTERFACE, METHOD), b"first 1\n");
    drop(first);
    assert!(no_owner(&bus));
}

#[test]
fn a_running_bus_takes_another_policy() {
    let bus = Bus::start().unwrap();
    let _prombus = prombus(&bus);
    let denied = || {
        let refused = call(&bus.address(), INTERFACE, METHOD);
        matches!(refused, Err(zbus::Error::FDO(error))
            if matches!(*error, zbus::fdo::Error::AccessDenied(_)))
    };
    assert!(!denied());
    let deny =
        format!("<policy context=\"mandatory\"><deny send_destination=\"{NAME}\"/></policy>");
    bus.reconfigure(&BusOptions::new().extra_xml(&deny))
        .unwrap();
    assert!(eventually(denied));
    bus.reconfigure(&BusOptions::new()).unwrap();
    assert!(eventually(|| !denied()));
}

#[test]
fn a_killed_bus_comes_back_at_the_same_address() {
    let mut bus = Bus::start().unwrap();
    let address = bus.address();
    let before = prombus(&bus);
    bus.kill().unwrap();
    assert!(call(&address, INTERFACE, METHOD).is_err());
    assert!(matches!(bus.pause(), Err(BusError::NotRunning)));
    bus.restart().unwrap();
    assert_eq!(bus.address(), address);
    assert!(no_owner(&bus));
    // The old service still exists, without a bus, and must not hinder the new one.
    let after = prombus(&bus);
    assert_eq!(bytes(&bus, INTERFACE, METHOD), after.last_served().unwrap());
    drop(before);
    bytes(&bus, INTERFACE, METHOD);
}

#[test]
fn a_paused_bus_hangs_until_it_is_resumed() {
    let mut bus = Bus::start().unwrap();
    let prombus = prombus(&bus);
    bus.pause().unwrap();
    let error = call_within(SHORT, &bus.address(), INTERFACE, METHOD).unwrap_err();
    assert!(timed_out(&error), "{error}");
    bus.resume().unwrap();
    bytes(&bus, INTERFACE, METHOD);
    // Dropping it must end even though the bus hangs.
    bus.pause().unwrap();
    drop(prombus);
}

#[test]
fn the_limits_of_a_system_bus_hold() {
    let bus = BusOptions::new().kind(BusKind::System).start().unwrap();
    let prombus = prombus(&bus);
    prombus.set_large((32 << 20) + 1);
    assert!(call(&bus.address(), FAULTS, "Large").is_err());
    // The bus has disconnected the service.
    assert!(eventually(|| no_owner(&bus)));
}

#[test]
fn a_limit_can_be_set() {
    let bus = BusOptions::new()
        .limit("reply_timeout", 100)
        .start()
        .unwrap();
    let _prombus = prombus(&bus);
    let error = call(&bus.address(), FAULTS, "Never").unwrap_err();
    let zbus::Error::FDO(error) = error else {
        panic!("{error}");
    };
    assert!(matches!(*error, zbus::fdo::Error::NoReply(_)), "{error}");
}

#[test]
fn a_bad_configuration_is_reported() {
    let error = BusOptions::new()
        .extra_xml("<nonsense/>")
        .start()
        .unwrap_err();
    assert!(error.to_string().contains("nonsense"), "{error}");
}

#[test]
fn the_process_and_the_directory_end_with_the_bus() {
    let bus = Bus::start().unwrap();
    let process = bus.process_id().unwrap();
    let socket = bus.socket();
    drop(bus);
    assert!(!socket.exists());
    assert!(!std::path::Path::new(&format!("/proc/{process}")).exists());
}
