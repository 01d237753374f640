//! What the exporter determines about its host: one inotify instance for all selectors, its uid,
//! its buses.
//!
//! These tests need namespaces, and are skipped where those cannot be created.

use crate::namespaces::{AS_NOBODY, nobody_can_run_it, possible};
use crate::support::{Exporter, open_to_all, program, quoted, until};
use local_exporter_daemons::bus::{BusKind, BusOptions};
use local_exporter_daemons::prombus::{self, Prombus};

#[test]
fn all_file_selectors_share_one_inotify_instance() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = "[bridge.selectors]\n".to_owned();
    for number in 0..20 {
        let directory = folder.path().join(number.to_string());
        std::fs::create_dir(&directory).unwrap();
        std::fs::write(directory.join("m.prom"), "a 1\n").unwrap();
        config += &format!("s{number} = {}\n", quoted(&directory));
    }
    let exporter = Exporter::start(&config);
    for number in 0..20 {
        let selector = format!("s{number}");
        until(&selector, || exporter.scrape(&selector).status == 200);
    }
    let descriptors = format!("/proc/{}/fd", exporter.process());
    let is_inotify = |entry: std::io::Result<std::fs::DirEntry>| {
        let target = std::fs::read_link(entry.unwrap().path());
        target.is_ok_and(|target| target.to_string_lossy() == "anon_inode:inotify")
    };
    let instances = std::fs::read_dir(descriptors)
        .unwrap()
        .filter_map(|entry| is_inotify(entry).then_some(()));
    assert_eq!(instances.count(), 1);
}

#[test]
fn in_any_user_namespace_the_bus_uses_the_uid_that_it_sees() {
    let mut wrapper = AS_NOBODY.to_vec();
    wrapper.extend(["unshare", "--user", "--map-root-user"]);
    if !nobody_can_run_it() || !possible(&wrapper) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    open_to_all(folder.path());
    let bus = BusOptions::new()
        .kind(BusKind::System)
        .directory(folder.path())
        .start()
        .unwrap();
    let _prombus = Prombus::start(&bus.address(), || b"a 1\n".to_vec()).unwrap();
    let config = |more: &str| {
        format!(
            "[bridge]\ndbus_system_bus_address = \"{}\"\n{more}[bridge.selectors.it]\nkind = \"dbus\"\n\
             destination = \"{}\"\nmethod = \"{}.{}\"\npath = \"{}\"\n",
            bus.address(),
            prombus::NAME,
            prombus::INTERFACE,
            prombus::METHOD,
            prombus::PATH,
        )
    };
    // In the inner namespace the uid map leads to the outer one, not to the host.
    let nested = [&wrapper[..], &["unshare", "--user", "--map-root-user"]].concat();
    for wrapper in [&wrapper, &nested] {
        let exporter = Exporter::start_under(wrapper, &config(""));
        let reply = exporter.scrape("it");
        assert_eq!(
            (reply.status, &*reply.body),
            (200, &b"a 1\n"[..]),
            "{}",
            reply.text()
        );
    }

    // A uid that is not the one that the bus sees.
    let exporter = Exporter::start_under(&wrapper, &config("dbus_auth_uid = 0\n"));
    let reply = exporter.scrape("it");
    reply.assert_error(502, "it", "denied");
    assert!(reply.text().contains("dbus_auth_uid"), "{}", reply.text());
}

#[test]
fn without_an_address_the_bus_is_found_as_dbus_specifies() {
    let bus = BusOptions::new().kind(BusKind::System).start().unwrap();
    let _prombus = Prombus::start(&bus.address(), || b"a 1\n".to_vec()).unwrap();
    for (name, variable) in [
        ("system", "DBUS_SYSTEM_BUS_ADDRESS"),
        ("session", "DBUS_SESSION_BUS_ADDRESS"),
    ] {
        let config = format!(
            "[bridge.selectors.it]\nkind = \"dbus\"\nbus = \"{name}\"\n\
             destination = \"{}\"\nmethod = \"{}.{}\"\npath = \"{}\"\n",
            prombus::NAME,
            prombus::INTERFACE,
            prombus::METHOD,
            prombus::PATH,
        );
        let mut command = program();
        command.env(variable, bus.address());
        let exporter = Exporter::start_as(command, &config);
        assert_eq!(exporter.scrape("it").body, b"a 1\n", "{name}");
    }
}
