//! The bus policy file in deploy/dbus agrees with the code, on a bus that otherwise denies
//! everything.
//!
//! The file names root; the tests replace only this by the user that runs them.
#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, at the line that is wrong"
)]

mod client;

use client::call;
use local_exporter_daemons::bus::{Bus, BusKind, BusOptions, BusPolicy};
use local_exporter_daemons::prombus::{
    FAULTS, INTERFACE, METHOD, NAME, Prombus, PrombusError, policy_file,
};
use std::fs;

fn strict() -> BusOptions {
    BusOptions::new()
        .kind(BusKind::System)
        .policy(BusPolicy::DefaultDeny)
}

/// A bus with the policy file as it would be installed for the user of this process.
fn bus_with_policy() -> (tempfile::TempDir, Bus) {
    let policy = fs::read_to_string(policy_file()).unwrap();
    assert!(policy.contains("<policy user=\"root\">"));
    let user = rustix::process::getuid().as_raw();
    let policy = policy.replace("user=\"root\"", &format!("user=\"{user}\""));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("prombus.conf");
    fs::write(&file, policy).unwrap();
    let bus = strict().include(file).start().unwrap();
    (directory, bus)
}

fn denied(result: &zbus::Result<zbus::Message>) -> bool {
    matches!(result, Err(zbus::Error::FDO(error))
        if matches!(**error, zbus::fdo::Error::AccessDenied(_)))
}

#[test]
fn without_the_file_the_name_is_refused() {
    let bus = strict().start().unwrap();
    let error = Prombus::start(&bus.address(), Vec::new).unwrap_err();
    assert!(matches!(error, PrombusError::NotAllowed), "{error}");
    assert!(error.to_string().contains("/etc/dbus-1/system.d"));
}

#[test]
fn the_policy_file_allows_the_metrics_and_nothing_else() {
    let (_directory, bus) = bus_with_policy();
    let prombus = Prombus::start(&bus.address(), || b"a 1\n".to_vec()).unwrap();
    let reply = call(&bus.address(), INTERFACE, METHOD).unwrap();
    let bytes: Vec<u8> = reply.body().deserialize().unwrap();
    assert_eq!(prombus.last_served().unwrap(), bytes);
    let fault = call(&bus.address(), FAULTS, "Number");
    assert!(denied(&fault), "{fault:?}");
}

#[test]
fn a_deny_rule_can_be_added() {
    let deny = format!(
        "<policy context=\"mandatory\"><deny send_destination=\"{NAME}\" send_interface=\"{INTERFACE}\"/></policy>"
    );
    let bus = BusOptions::new().extra_xml(&deny).start().unwrap();
    let _prombus = Prombus::start(&bus.address(), Vec::new).unwrap();
    let refused = call(&bus.address(), INTERFACE, METHOD);
    assert!(denied(&refused), "{refused:?}");
    assert!(call(&bus.address(), FAULTS, "Number").is_ok());
}

/// The out arguments of a method, in the order of the introspection data.
fn out_types(xml: &str, interface: &str, method: &str) -> Vec<String> {
    let interface = between(
        xml,
        &format!("<interface name=\"{interface}\">"),
        "</interface>",
    );
    let method = between(
        interface,
        &format!("<method name=\"{method}\">"),
        "</method>",
    );
    method
        .lines()
        .filter(|line| line.contains("<arg") && line.contains("direction=\"out\""))
        .map(|line| between(line, "type=\"", "\"").to_owned())
        .collect()
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(start).unwrap();
    rest.split_once(end).unwrap().0
}

#[test]
fn the_introspection_data_agree_with_the_code() {
    let (_directory, bus) = bus_with_policy();
    let _prombus = Prombus::start(&bus.address(), Vec::new).unwrap();
    let introspectable = "org.freedesktop.DBus.Introspectable";
    let reply = call(&bus.address(), introspectable, "Introspect").unwrap();
    let xml: String = reply.body().deserialize().unwrap();
    assert_eq!(out_types(&xml, INTERFACE, METHOD), ["ay"], "{xml}");
    for (method, out) in [
        ("Never", "ay"),
        ("Error", "ay"),
        ("Text", "s"),
        ("Structs", "a(y)"),
        ("Number", "u"),
        ("Empty", "ay"),
        ("Large", "ay"),
    ] {
        assert_eq!(out_types(&xml, FAULTS, method), [out], "{xml}");
    }
}
