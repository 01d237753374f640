//! What the host does to a container: no inotify left, dead mounts, another uid.
//!
//! These need namespaces; where they cannot be made, a test says so and passes.

use crate::support::{Exporter, open_to_all, program, quoted, until};
use local_exporter_daemons::bus::{BusKind, BusOptions};
use local_exporter_daemons::prombus::{self, Prombus};
use local_exporter_daemons::promsock::PromSock;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// Whether a command that makes the namespace works here.
fn possible(command: &[&str]) -> bool {
    let mut probe = Command::new(command[0]);
    probe.args(&command[1..]).arg("true").stderr(Stdio::null());
    let possible = probe.status().is_ok_and(|status| status.success());
    if !possible {
        println!("skipped: {command:?} is not possible here");
    }
    possible
}

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
fn without_inotify_files_are_polled_until_events_can_be_had_again() {
    let limit =
        |instances: &str| format!("echo {instances} > /proc/sys/user/max_inotify_instances");
    let script = format!("{} && exec \"$@\"", limit("0"));
    let wrapper = [
        "unshare",
        "--user",
        "--map-root-user",
        "sh",
        "-c",
        &script,
        "sh",
    ];
    if !possible(&wrapper) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("m.prom");
    std::fs::write(&file, "a 1\n").unwrap();
    let path = quoted(&file);
    let config = format!(
        "[bridge.selectors]\nit = {{ kind = \"file\", path = {path}, refresh = \"100ms\" }}\n"
    );
    let exporter = Exporter::start_under(&wrapper, &config);
    let mode = |mode: &str| {
        exporter.metric(&format!(
            "local_exporter_file_watch_mode{{mode=\"{mode}\",selector=\"it\"}}"
        ))
    };
    until("it polls", || mode("polling") == Some(1.0));
    assert_eq!(exporter.actor("it")["cache"]["watch"], "polling");
    std::fs::write(&file, "a 2\n").unwrap();
    until("a change is found by polling", || {
        exporter.scrape("it").body == b"a 2\n"
    });
    let told = || {
        let log = exporter.log();
        log.iter()
            .filter(|line| line.contains("no file events"))
            .count()
    };
    assert_eq!(told(), 1, "said once, not at every look");

    let process = exporter.process().to_string();
    let raised = Command::new("nsenter")
        .args(["--user", "--target", &process, "sh", "-c", &limit("128")])
        .status();
    assert!(raised.unwrap().success());
    until("events are back", || mode("events") == Some(1.0));
    assert_eq!(mode("polling"), Some(0.0));
    std::fs::write(&file, "a 3\n").unwrap();
    until("a change is found", || {
        exporter.scrape("it").body == b"a 3\n"
    });
}

#[test]
fn a_mount_of_a_directory_that_was_deleted_is_named_as_such() {
    if !possible(&["unshare", "--mount"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (real, mounted) = (folder.path().join("real"), folder.path().join("mounted"));
    std::fs::create_dir(&real).unwrap();
    std::fs::create_dir(&mounted).unwrap();
    std::fs::write(real.join("m.prom"), "a 1\n").unwrap();
    let script = "mount --bind \"$1\" \"$2\" && shift 2 && exec \"$@\"";
    let (from, to) = (real.to_str().unwrap(), mounted.to_str().unwrap());
    let wrapper = ["unshare", "--mount", "sh", "-c", script, "sh", from, to];
    let exporter = Exporter::start_under(
        &wrapper,
        &format!(
            "[bridge.selectors]\nsocket = {{ kind = \"uds\", path = {} }}\n\
             file = {{ kind = \"file\", path = {} }}\n",
            quoted(&mounted.join("sock")),
            quoted(&mounted.join("m.prom")),
        ),
    );
    until("the file is served", || {
        exporter.scrape("file").status == 200
    });
    exporter
        .scrape("socket")
        .assert_error(502, "socket", "absent");
    assert!(!exporter.scrape("socket").text().contains("deleted"));

    // What a daemon's restart does to its runtime directory.
    std::fs::remove_dir_all(&real).unwrap();
    std::fs::create_dir(&real).unwrap();
    std::fs::write(real.join("m.prom"), "a 2\n").unwrap();
    until("the file is gone", || exporter.scrape("file").status == 502);
    for selector in ["file", "socket"] {
        let reply = exporter.scrape(selector);
        reply.assert_error(502, selector, "absent");
        let hint = format!("{to} was deleted and is only still mounted");
        assert!(reply.text().contains(&hint), "{}", reply.text());
    }
}

const NOBODY: &str = "65534";
const BECOME_NOBODY: [&str; 6] = [
    "setpriv",
    "--reuid",
    NOBODY,
    "--regid",
    NOBODY,
    "--clear-groups",
];

/// Whether nobody can run the program: root may become nobody, and nobody may read it.
fn nobody_can_run_it() -> bool {
    let can = Command::new(BECOME_NOBODY[0])
        .args(&BECOME_NOBODY[1..])
        .arg(program().get_program())
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !can {
        println!("skipped: another user cannot run the program here");
    }
    can
}

/// Root is denied nothing, so the exporter is started as nobody.
#[test]
fn what_one_may_not_read_is_denied_until_one_may() {
    if !nobody_can_run_it() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    open_to_all(folder.path());
    let (socket, file) = (folder.path().join("sock"), folder.path().join("m.prom"));
    let _daemon = PromSock::bind(&socket, || b"a 1\n".to_vec()).unwrap();
    std::fs::write(&file, "a 1\n").unwrap();
    let allow = |path: &Path, mode: u32| {
        std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    };
    allow(&socket, 0o755);
    allow(&file, 0o600);
    let exporter = Exporter::start_under(
        &BECOME_NOBODY,
        &format!(
            "[bridge.selectors]\nsocket = {{ kind = \"uds\", path = {} }}\n\
             file = {{ kind = \"file\", path = {} }}\n",
            quoted(&socket),
            quoted(&file),
        ),
    );
    let reply = exporter.scrape("socket");
    reply.assert_error(502, "socket", "denied");
    assert!(
        reply.text().contains("needs write permission"),
        "{}",
        reply.text()
    );
    exporter.scrape("file").assert_error(502, "file", "denied");

    allow(&socket, 0o666);
    assert_eq!(exporter.scrape("socket").body, b"a 1\n");
    allow(&file, 0o644);
    until("the file is served", || {
        exporter.scrape("file").body == b"a 1\n"
    });
    allow(&file, 0o600);
    until("the file is denied again", || {
        exporter.scrape("file").status == 502
    });
    exporter.scrape("file").assert_error(502, "file", "denied");
}

#[test]
fn in_a_user_namespace_the_bus_is_told_the_uid_that_it_sees() {
    let mut wrapper = BECOME_NOBODY.to_vec();
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
    let exporter = Exporter::start_under(&wrapper, &config(""));
    let reply = exporter.scrape("it");
    assert_eq!(
        (reply.status, &*reply.body),
        (200, &b"a 1\n"[..]),
        "{}",
        reply.text()
    );

    // What would be claimed without looking at the map.
    let exporter = Exporter::start_under(&wrapper, &config("dbus_auth_uid = 0\n"));
    let reply = exporter.scrape("it");
    reply.assert_error(502, "it", "denied");
    assert!(reply.text().contains("dbus_auth_uid"), "{}", reply.text());
}

#[test]
fn the_rules_of_dbus_find_the_bus_where_no_address_is_given() {
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
