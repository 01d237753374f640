//! What is left of the rights of a confined thread, on the kernel that is there.

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

/// Does something in a confined thread: only that one is, and it ends. Nothing where there is no Landlock.
fn confined<T: Send>(needs: &RequiredAccess, act: impl FnOnce() -> T + Send) -> Option<T> {
    let act = || match restrict(needs).unwrap().ruleset {
        RulesetStatus::FullyEnforced => Some(act()),
        status => {
            skip(format_args!(
                "this kernel has no Landlock with ABI {KNOWN} ({status:?})"
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
fn only_what_is_needed_is_read_and_nothing_is_written_or_executed() {
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
        // That it is there can still be seen.
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
fn a_directory_that_is_made_anew_stays_in_reach_by_its_parent() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("daemon");
    fs::create_dir(&directory).unwrap();
    let anew = || {
        fs::remove_dir_all(&directory).unwrap();
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("a"), "a 2\n").unwrap();
    };
    let make_and_read = |needs: &RequiredAccess| {
        std::thread::scope(|scope| {
            let (tell_confined, is_confined) = std::sync::mpsc::channel();
            let (tell_made, is_made) = std::sync::mpsc::channel();
            let directory = &directory;
            let reader = scope.spawn(move || {
                tell_confined
                    .send(restrict(needs).unwrap().ruleset)
                    .unwrap();
                is_made.recv().unwrap();
                fs::read(directory.join("a"))
            });
            let enforced = is_confined.recv().unwrap() != RulesetStatus::NotEnforced;
            anew();
            tell_made.send(()).unwrap();
            (enforced, reader.join().unwrap())
        })
    };
    let (_, read) = make_and_read(&needs([folder.path()]));
    assert_eq!(read.unwrap(), b"a 2\n");
    // The reason why: a rule on the directory itself is a rule on what it was.
    let (enforced, read) = make_and_read(&needs([&directory]));
    assert_eq!(denied(read), enforced);
}

#[test]
fn only_the_own_port_is_bound_and_nobody_is_connected_to() {
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
        // Another process may have taken it meanwhile; it is not denied at any rate.
        assert!(!denied(TcpListener::bind(("127.0.0.1", port))));
        // What listened before goes on.
        assert!(listener.set_nonblocking(true).is_ok());
        let waits = listener.accept().map_err(|error| error.kind());
        assert_eq!(waits.err(), Some(ErrorKind::WouldBlock));
    });
}

#[test]
fn sockets_with_a_path_cannot_be_kept_away_and_abstract_ones_only_if_no_bus_is_one() {
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
fn no_other_process_is_signalled() {
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
fn a_kernel_that_refuses_is_no_reason_to_stop() {
    // Rulesets can be stacked to a limit, landlock_restrict_self(2).
    let everything = needs([Path::new("/")]);
    let refused = confined(&everything, || {
        let exhausted = (0..100).any(|_| restrict(&everything).is_err());
        exhausted && confine(&everything) == ReadAccess::Unrestricted
    });
    assert_ne!(refused, Some(false));
}

#[test]
fn a_backtrace_keeps_its_names() {
    let settings = load(None, &Environment::new()).unwrap();
    let needs = RequiredAccess::for_settings(&settings, [Path::new("/absent/config.toml")]);
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
