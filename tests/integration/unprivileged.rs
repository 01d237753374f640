//! The exporter needs no privileges: it runs as any user, without capabilities, on a read-only root.
//!
//! Requires root and namespaces; otherwise these tests are skipped.

use crate::confinement::{bus_selector, is_confined, status_of_threads};
use crate::support::{Exporter, open_to_all, program, quoted};
use local_exporter_daemons::bus::{BusKind, BusOptions};
use local_exporter_daemons::prombus::Prombus;
use local_exporter_daemons::promsock::PromSock;
use local_exporter_skip::skip;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// A command prefix for a user without capabilities, on a read-only root.
fn unprivileged(user: &str) -> Vec<String> {
    let script = "mount --make-rprivate / && mount -o remount,bind,ro / && exec \"$@\"";
    let give_up = [
        "--clear-groups",
        "--bounding-set=-all",
        "--inh-caps=-all",
        "--ambient-caps=-all",
        "--no-new-privs",
    ];
    let namespace = ["unshare", "--mount", "sh", "-c", script, "sh"];
    let user = ["setpriv", "--reuid", user, "--regid", user];
    let command = namespace.iter().chain(&user).chain(&give_up);
    command.map(|word| (*word).to_owned()).collect()
}

/// Whether the program can be run with this prefix.
fn possible(wrapper: &[&str]) -> bool {
    let status = Command::new(wrapper[0])
        .args(&wrapper[1..])
        .arg(program().get_program())
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let possible = status.is_ok_and(|status| status.success());
    if !possible {
        skip(format_args!("{wrapper:?} cannot run the program here"));
    }
    possible
}

#[test]
fn any_user_serves_all_kinds_without_capabilities_on_a_read_only_root() {
    serves("65534", &["socket", "file", "bus"]);
    // A bus closes the connection of a user that does not exist on its host.
    serves("12345", &["socket", "file"]);
}

fn serves(user: &str, selectors: &[&str]) {
    let wrapper = unprivileged(user);
    let wrapper: Vec<&str> = wrapper.iter().map(String::as_str).collect();
    if !possible(&wrapper) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    open_to_all(folder.path());
    let (socket, file) = (folder.path().join("sock"), folder.path().join("m.prom"));
    let _daemon = PromSock::bind(&socket, || b"a 1\n".to_vec()).unwrap();
    fs::set_permissions(&socket, Permissions::from_mode(0o666)).unwrap();
    fs::write(&file, "a 1\n").unwrap();
    let bus = BusOptions::new().kind(BusKind::System);
    let bus = bus.directory(folder.path()).start().unwrap();
    let _prombus = Prombus::start(&bus.address(), || b"a 1\n".to_vec()).unwrap();
    let (socket, file, bus) = (quoted(&socket), quoted(&file), bus_selector(&bus.address()));
    let config = format!(
        "[bridge.selectors]\nsocket = {{ kind = \"uds\", path = {socket} }}\n\
         file = {{ kind = \"file\", path = {file} }}\n{bus}"
    );
    let exporter = Exporter::start_under(&wrapper, &config);
    is_confined(&exporter);
    assert_unprivileged(&exporter, user);
    for selector in selectors {
        let reply = exporter.scrape(selector);
        let response = (reply.status, reply.text());
        assert_eq!(response, (200, "a 1\n".to_owned()), "user {user}");
    }
    assert!(exporter.metric("process_open_fds").is_some());
}

/// Asserts that the exporter runs as `user`, without capabilities.
fn assert_unprivileged(exporter: &Exporter, user: &str) {
    let process = exporter.process().to_string();
    for what in ["CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"] {
        let status = status_of_threads(&process, what);
        let none = |status: &String| status.trim_matches('0').is_empty();
        assert!(status.iter().all(none), "{what} {status:?}");
    }
    let users = status_of_threads(&process, "Uid:");
    assert!(
        users.iter().all(|status| status.starts_with(user)),
        "{users:?}"
    );
    let mounts = fs::read_to_string(format!("/proc/{process}/mounts")).unwrap();
    let root = mounts.lines().rfind(|mount| mount.contains(" / "));
    assert!(root.unwrap().contains(" ro,"), "{root:?}");
}

#[test]
fn the_shipped_units_and_images_run_it_unprivileged_and_allow_landlock() {
    let text =
        |path: &str| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    let expected: [(&str, &[&str]); 3] = [
        (
            "deploy/local-exporter.service",
            &[
                "User=local-exporter",
                "CapabilityBoundingSet=\n",
                "AmbientCapabilities=\n",
                "ProtectSystem=strict",
                "NoNewPrivileges=yes",
                "SystemCallFilter=landlock_create_ruleset landlock_add_rule landlock_restrict_self\n",
            ],
        ),
        (
            "deploy/local-exporter.container",
            &[
                "User=65534",
                "DropCapability=all",
                "ReadOnly=true",
                "NoNewPrivileges=true",
            ],
        ),
        (
            "deploy/daemonset.yaml",
            &[
                "runAsUser: 65534",
                "drop: [ALL]",
                "readOnlyRootFilesystem: true",
                "allowPrivilegeEscalation: false",
            ],
        ),
    ];
    for (path, lines) in expected {
        let text = text(path);
        for line in lines {
            assert!(text.contains(line), "{line} is not in {path}");
        }
    }
}
