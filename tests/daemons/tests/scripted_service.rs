//! The scripted D-Bus service: every reply is what its description says.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, at the line that is wrong"
)]

mod client;

use client::{call, call_within, timed_out};
use local_exporter_daemons::bus::Bus;
use local_exporter_daemons::prombus::{INTERFACE, METHOD};
use local_exporter_daemons::scripted_service::{Reply, ScriptedService};
use std::time::{Duration, Instant};

const SHORT: Duration = Duration::from_millis(150);

fn service(reply: Reply) -> (Bus, ScriptedService) {
    let bus = Bus::start().unwrap();
    let service = ScriptedService::start(&bus.address(), reply).unwrap();
    (bus, service)
}

fn reply(bus: &Bus) -> zbus::Message {
    call(&bus.address(), INTERFACE, METHOD).unwrap()
}

#[test]
fn replies_have_the_declared_bytes_and_signatures() {
    let (bus, service) = service(Reply::Bytes(b"a 1\n".to_vec()));
    let bytes = |bus: &Bus| reply(bus).body().deserialize::<Vec<u8>>().unwrap();
    assert_eq!(bytes(&bus), b"a 1\n");
    service.set(Reply::Large(3 << 20));
    assert_eq!(bytes(&bus).len(), 3 << 20);
    service.set(Reply::Structs(b"ab".to_vec()));
    let structs = reply(&bus).body().deserialize::<Vec<(u8,)>>().unwrap();
    assert_eq!(structs, [(b'a',), (b'b',)]);
    service.set(Reply::Number(7));
    assert_eq!(reply(&bus).body().deserialize::<u32>().unwrap(), 7);
    let began = Instant::now();
    service.set(Reply::Late(SHORT, b"a 2\n".to_vec()));
    assert_eq!(bytes(&bus), b"a 2\n");
    assert!(began.elapsed() >= SHORT);
    assert_eq!(service.calls(), 5);
}

#[test]
fn errors_have_their_name_and_text() {
    let (bus, _service) = service(Reply::Error("a.b.Failed".into(), "one\ntwo".into()));
    let error = call(&bus.address(), INTERFACE, METHOD).unwrap_err();
    let zbus::Error::MethodError(name, text, _) = error else {
        panic!("{error}");
    };
    assert_eq!(
        (name.as_str(), text.as_deref()),
        ("a.b.Failed", Some("one\ntwo"))
    );
}

#[test]
fn the_service_ends_although_a_caller_still_waits() {
    let (bus, service) = service(Reply::Never);
    for reply in [Reply::Never, Reply::Signals, Reply::Stray] {
        service.set(reply);
        let error = call_within(SHORT, &bus.address(), INTERFACE, METHOD).unwrap_err();
        assert!(timed_out(&error), "{error}");
    }
    drop(service);
    assert!(call(&bus.address(), INTERFACE, METHOD).is_err());
}
