//! The access of a confined thread, on the running kernel.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed"
)]

use super::*;
use local_exporter_config::{Environment, load};
use local_exporter_skip::skip;
use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::process::Command;

fn needs<const N: usize>(reads: [&Path; N]) -> RequiredAccess {
    RequiredAccess {
        reads: reads.into_iter().map(Path::to_owned).collect(),
        unrestricted_for: None,
        ports: BTreeSet::new(),
        sockets: Sockets::ByPath,
    }
}

/// Runs `act` in a confined thread of its own; skipped without Landlock.
fn confined<T: Send>(needs: &RequiredAccess, act: impl FnOnce() -> T + Send) -> Option<T> {
    let rules = Rules::open(needs.clone(), &PathAccess::default());
    let act = || match restrict(&rules).unwrap().ruleset {
        RulesetStatus::FullyEnforced => Some(act()),
        status => {
            skip(format_args!(
                "this kernel has no Landlock with ABI {KNOWN_ABI} ({status:?})"
            ));
            None
        }
    };
    std::thread::scope(|scope| scope.spawn(act).join().unwrap())
}

fn denied<T>(result: std::io::Result<T>) -> bool {
    result.is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
}

#[test]
fn only_required_paths_are_readable_and_none_is_writable_or_executable() {
    let (inside, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let single = outside.path().join("single");
    for file in [&inside.path().join("a"), &outside.path().join("a"), &single] {
        fs::write(file, "a 1\n").unwrap();
    }
    let absent = outside.path().join("absent");
    confined(&needs([inside.path(), &single, &absent]), || {
        let (inside, outside) = (inside.path(), outside.path());
        assert_eq!(fs::read(inside.join("a")).unwrap(), b"a 1\n");
        assert_eq!(fs::read(&single).unwrap(), b"a 1\n");
        assert_eq!(fs::read_dir(inside).unwrap().count(), 1);
        assert!(denied(fs::read(outside.join("a"))));
        assert!(denied(fs::read_dir(outside)));
        // Its existence is still visible.
        assert!(outside.join("a").exists());
        assert!(denied(fs::write(inside.join("a"), "")));
        assert!(denied(fs::write(inside.join("new"), "")));
        assert!(denied(fs::create_dir(inside.join("new"))));
        assert!(denied(fs::rename(inside.join("a"), inside.join("b"))));
        assert!(denied(fs::remove_file(inside.join("a"))));
        assert!(denied(Command::new("/bin/true").status()));
    });
}

#[test]
fn a_recreated_directory_stays_readable_by_the_rule_for_its_parent() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("daemon");
    fs::create_dir(&directory).unwrap();
    let recreate = || {
        fs::remove_dir_all(&directory).unwrap();
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("a"), "a 2\n").unwrap();
    };
    let make_and_read = |needs: &RequiredAccess| {
        let rules = &Rules::open(needs.clone(), &PathAccess::default());
        std::thread::scope(|scope| {
            let (tell_confined, is_confined) = std::sync::mpsc::channel();
            let (tell_made, is_made) = std::sync::mpsc::channel();
            let directory = &directory;
            let reader = scope.spawn(move || {
                tell_confined
                    .send(restrict(rules).unwrap().ruleset)
                    .unwrap();
                is_made.recv().unwrap();
                fs::read(directory.join("a"))
            });
            let enforced = is_confined.recv().unwrap() != RulesetStatus::NotEnforced;
            recreate();
            tell_made.send(()).unwrap();
            (enforced, reader.join().unwrap())
        })
    };
    let (_, read) = make_and_read(&needs([folder.path()]));
    assert_eq!(read.unwrap(), b"a 2\n");
    // A rule for the directory itself applies to the removed one only.
    let (enforced, read) = make_and_read(&needs([&directory]));
    assert_eq!(denied(read), enforced);
}

#[test]
fn only_the_own_port_can_be_bound_and_no_connection_can_be_made() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let own = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = own.local_addr().unwrap().port();
    drop(own);
    let ports = BTreeSet::from([port]);
    let needs = RequiredAccess { ports, ..needs([]) };
    confined(&needs, || {
        assert!(denied(TcpStream::connect(address)));
        assert!(denied(TcpListener::bind("127.0.0.1:0")));
        // Another process may use it now, but it is not denied.
        assert!(!denied(TcpListener::bind(("127.0.0.1", port))));
        // An open listener still works.
        assert!(listener.set_nonblocking(true).is_ok());
        let waits = listener.accept().map_err(|error| error.kind());
        assert_eq!(waits.err(), Some(ErrorKind::WouldBlock));
    });
}

#[test]
fn sockets_with_a_path_stay_reachable_and_abstract_ones_only_for_a_bus() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sock");
    let _by_path = UnixListener::bind(&path).unwrap();
    let name = folder.path().to_str().unwrap();
    let name = SocketAddr::from_abstract_name(name).unwrap();
    let _by_name = UnixListener::bind_addr(&name).unwrap();
    confined(&needs([]), || {
        assert!(UnixStream::connect(&path).is_ok());
        assert!(denied(UnixStream::connect_addr(&name)));
    });
    let needs = RequiredAccess {
        sockets: Sockets::Abstract,
        ..needs([])
    };
    confined(&needs, || assert!(UnixStream::connect_addr(&name).is_ok()));
}

#[test]
fn no_other_process_can_be_signalled() {
    let mut other = Command::new("sleep").arg("60").spawn().unwrap();
    let id = rustix::process::Pid::from_child(&other);
    let tried = confined(&needs([]), || rustix::process::test_kill_process(id));
    other.kill().unwrap();
    other.wait().unwrap();
    if let Some(tried) = tried {
        assert_eq!(tried, Err(rustix::io::Errno::PERM));
    }
}

#[test]
fn an_error_of_the_kernel_is_not_fatal() {
    // Rulesets can be stacked to a limit, landlock_restrict_self(2).
    let everything = needs([Path::new("/")]);
    let refused = confined(&everything, || {
        let rules = Rules::open(everything.clone(), &PathAccess::default());
        let exhausted = (0..100).any(|_| restrict(&rules).is_err());
        exhausted && confine(&rules) == ReadAccess::Unrestricted
    });
    assert_ne!(refused, Some(false));
}

#[test]
fn a_backtrace_keeps_its_names() {
    let settings = load(None, &Environment::new()).unwrap();
    let configuration = [Path::new("/absent/config.toml")];
    let needs = RequiredAccess::for_settings(&settings, configuration, &PathAccess::default());
    let backtrace = confined(&needs, || {
        std::backtrace::Backtrace::force_capture().to_string()
    });
    if let Some(backtrace) = backtrace {
        assert!(
            backtrace.contains("a_backtrace_keeps_its_names"),
            "{backtrace}"
        );
    }
}
