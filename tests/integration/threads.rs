//! The system refuses threads: scrapes get a response, caches stay, and startup fails with a message.
//!
//! `RLIMIT_NPROC` (setrlimit(2)) counts the threads of a user, and root is exempt. So these tests need
//! root, to run the program as a user that has no other process; otherwise they are skipped.

use crate::support::{Exporter, eventually, open_to_all, program, quoted, until};
use local_exporter_daemons::promsock::PromSock;
use local_exporter_skip::skip;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

/// A command prefix for a user that may have this many threads.
fn limited(user: &str, threads: usize) -> Vec<String> {
    let nproc = format!("--nproc={threads}");
    let user = [
        "setpriv",
        "--reuid",
        user,
        "--regid",
        user,
        "--clear-groups",
    ];
    let limit = ["prlimit", &nproc];
    let command = user.iter().chain(&limit);
    command.map(|word| (*word).to_owned()).collect()
}

/// Whether the limit has an effect here.
fn possible(user: &str) -> bool {
    let prefix = limited(user, 1);
    let script = "sh -c 'exit 0' & wait $! && exit 7";
    let status = Command::new(&prefix[0])
        .args(&prefix[1..])
        .args(["sh", "-c", script])
        .stderr(Stdio::null())
        .status();
    // The shell cannot fork.
    let possible = status.is_ok_and(|status| !status.success() && status.code() != Some(7));
    if !possible {
        skip("no limit of threads can be set for another user");
    }
    possible
}

/// Lets the running process start no further thread.
fn refuse_threads(exporter: &Exporter, user: &str) {
    // As the user itself: root may lack CAP_SYS_RESOURCE in a container.
    let set = Command::new("setpriv")
        .args(["--reuid", user, "--regid", user, "--clear-groups"])
        .args(["prlimit", "--nproc=1:", "--pid"])
        .arg(exporter.process().to_string())
        .status();
    assert!(set.unwrap().success());
}

/// A user that no other test, and no test of another checkout, uses at this time.
fn user(number: u32) -> String {
    (1_000_000 + 2 * std::process::id() + number).to_string()
}

/// The threads for work that blocks.
fn blocking_threads(exporter: &Exporter) -> usize {
    let tasks = fs::read_dir(format!("/proc/{}/task", exporter.process())).unwrap();
    let names = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.trim() == "blocking").count()
}

#[test]
fn without_a_new_thread_every_scrape_gets_a_response_and_caches_stay() {
    let user = user(0);
    if !possible(&user) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    open_to_all(folder.path());
    let socket = folder.path().join("sock");
    // Larger than what is validated on the thread of the actor.
    let body = b"a 1\n".repeat(100_000);
    let served = body.clone();
    let _daemon = PromSock::bind(&socket, move || served.clone()).unwrap();
    fs::set_permissions(&socket, Permissions::from_mode(0o666)).unwrap();
    let file = folder.path().join("m.prom");
    fs::write(&file, "a 1\n").unwrap();
    let (socket, path) = (quoted(&socket), quoted(&file));
    let config = format!(
        "[bridge.selectors]\nsocket = {{ kind = \"uds\", path = {socket} }}\n\
         file = {{ kind = \"file\", path = {path}, refresh = \"1s\" }}\n"
    );
    let prefix = limited(&user, 1000);
    let prefix: Vec<&str> = prefix.iter().map(String::as_str).collect();
    let exporter = Exporter::start_under(&prefix, &config);
    assert_eq!(exporter.scrape("file").status, 200);
    until("only the threads that stay are left", || {
        blocking_threads(&exporter) == 2
    });
    refuse_threads(&exporter, &user);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..20 {
                    for selector in ["socket", "file"] {
                        let reply = exporter.scrape(selector);
                        let text = reply.text();
                        assert!(
                            reply.status == 200 || (reply.status == 503 && !text.contains("crash")),
                            "{} {text:.200}",
                            reply.status
                        );
                    }
                    assert_eq!(exporter.get("/-/healthy").status, 200);
                }
            });
        }
    });
    fs::write(&file, "a 2\n").unwrap();
    until("a change of the file is noticed", || {
        exporter.scrape("file").text() == "a 2\n"
    });
    assert_eq!(exporter.scrape("socket").body, body);
    for selector in ["socket", "file"] {
        assert_eq!(exporter.actor(selector)["restarts"], 0, "{selector}");
    }
    assert!(exporter.log().iter().all(|line| !line.contains("panicked")));
}

#[test]
fn startup_without_threads_ends_with_status_1_and_a_message() {
    let user = user(1);
    if !possible(&user) {
        return;
    }
    let mut succeeded = false;
    for threads in 1..=30 {
        let prefix = limited(&user, threads);
        let mut child = Command::new(&prefix[0])
            .args(&prefix[1..])
            .arg(program().get_program())
            .args(["serve", "--config", "/dev/null"])
            .args(["--web.listen-address", "127.0.0.1:0"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = std::io::BufReader::new(child.stderr.take().unwrap());
        let mut text = String::new();
        eventually("it listens or ends", || {
            let read = std::io::BufRead::read_line(&mut log, &mut text).unwrap();
            (read == 0 || text.contains("msg=listening")).then_some(())
        });
        let started = text.contains("msg=listening");
        succeeded |= started;
        let _ = Command::new("kill").arg(child.id().to_string()).status();
        let status = child.wait().unwrap();
        std::io::Read::read_to_string(&mut log, &mut text).unwrap();
        assert!(!text.contains("panicked"), "{threads} threads: {text}");
        if !started {
            assert_eq!(status.code(), Some(1), "{threads} threads: {text}");
            assert!(text.contains("TasksMax="), "{threads} threads: {text}");
        }
    }
    assert!(succeeded, "30 threads suffice");
}
