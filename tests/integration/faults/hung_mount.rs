//! A mount that hangs before the exporter starts, with configured paths of every kind on it.

use super::file_systems::{QUIET, mounted};
use crate::serving::Serving;
use crate::support::{Exporter, PATIENCE, eventually, get, quoted, request, until};
use local_exporter_daemons::quiet_files::QuietFiles;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The deadline of one access to a configured path, and what else a start may take on a busy machine.
const ACCESS_TIMEOUT: Duration = Duration::from_secs(3);
const SOON: Duration = Duration::from_secs(12);
/// The content of the only file of the mount: a token, and a valid body.
const CONTENT: &[u8] = b"it 1\n";

/// A mount that hangs, and a directory beside it.
struct Host {
    files: QuietFiles,
    folder: TempDir,
}

impl Host {
    /// With the command that mounts it and executes its further arguments; `None` if that is not
    /// possible here.
    fn new() -> Option<(Self, Command)> {
        let folder = tempfile::tempdir().unwrap();
        let mount = folder.path().join("mount");
        fs::create_dir(&mount).unwrap();
        let (files, command) = mounted(QUIET, mount.to_str().unwrap(), CONTENT, &[])?;
        files.hang();
        Some((Self { files, folder }, command))
    }

    /// A path beside the mount.
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The file on the mount.
    fn hung(&self) -> PathBuf {
        self.path("mount/it.prom")
    }

    /// Selectors whose file, directory and link lead to the mount, and a healthy one.
    fn selectors(&self) -> String {
        fs::write(self.path("near.prom"), "near 1\n").unwrap();
        symlink(self.hung(), self.path("link.prom")).unwrap();
        let (near, hung, link) = (self.path("near.prom"), self.hung(), self.path("link.prom"));
        let near = quoted(&near);
        let mount = quoted(&self.path("mount"));
        format!(
            "[bridge.defaults]\ntimeout = \"1s\"\nrefresh = \"100ms\"\n\
             [bridge.selectors]\ndirectory = {mount}\n\
             [bridge.selectors.near]\nkind = \"file\"\npath = {near}\n\
             [bridge.selectors.it]\nkind = \"file\"\npath = {}\n\
             [bridge.selectors.link]\nkind = \"file\"\npath = {}\n",
            quoted(&hung),
            quoted(&link),
        )
    }
}

/// The output of a command that must end soon.
fn output_of(mut command: Command) -> (Output, Duration) {
    let began = Instant::now();
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = command.output().unwrap();
    (output, began.elapsed())
}

fn threads_of(exporter: &Exporter, name: &str) -> usize {
    let tasks = fs::read_dir(format!("/proc/{}/task", exporter.process())).unwrap();
    let named = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok());
    named.filter(|thread| thread.trim() == name).count()
}

#[test]
fn neither_startup_nor_reloads_nor_other_selectors_wait_for_a_mount_that_hangs() {
    let Some((host, command)) = Host::new() else {
        return;
    };
    let config = format!("lifecycle = true\n{}", host.selectors());
    let began = Instant::now();
    let exporter = Exporter::start_as(command, &config);
    // Dropped first: the exporter cannot end while the mount hangs.
    let files = host.files;
    assert!(
        began.elapsed() < SOON + ACCESS_TIMEOUT,
        "{:?}",
        began.elapsed()
    );
    until("the healthy selector is served", || {
        exporter.scrape("near").status == 200
    });
    let assert_hang = || {
        exporter.scrape("it").assert_error(504, "it", "timeout");
        exporter.scrape("link").assert_error(504, "link", "timeout");
        assert_eq!(exporter.scrape("near").status, 200);
        let targets = exporter.get("/sd").text();
        for name in ["directory", "near", "it", "link"] {
            assert!(targets.contains(name), "{name} is not in {targets}");
        }
    };
    assert_hang();
    assert!(
        exporter
            .log()
            .iter()
            .any(|line| line.contains("no reply within 3s"))
    );
    for round in 0..10 {
        let began = Instant::now();
        let reply = request("POST", &exporter.url("/-/reload"), &[]);
        assert_eq!(reply.status, 200, "{}", reply.text());
        // A path through a link is tried again; the mount itself is known to hang.
        assert!(
            began.elapsed() < SOON,
            "round {round}: {:?}",
            began.elapsed()
        );
    }
    let threads = threads_of(&exporter, "paths");
    assert!(threads <= 4, "{threads} threads wait");
    assert_hang();

    files.resume().unwrap();
    for name in ["it", "link"] {
        until("the file can be read", || {
            exporter.scrape(name).status == 200
        });
    }
    let reply = request("POST", &exporter.url("/-/reload"), &[]);
    assert_eq!(reply.status, 200, "{}", reply.text());
    until("no thread waits any more", || {
        threads_of(&exporter, "paths") <= 1
    });
}

#[test]
fn a_token_on_a_mount_that_hangs_refuses_only_requests_that_need_it() {
    let Some((host, command)) = Host::new() else {
        return;
    };
    fs::write(host.path("near.prom"), "near 1\n").unwrap();
    let near = quoted(&host.path("near.prom"));
    let exporter = Exporter::start_as(
        command,
        &format!(
            "lifecycle = true\n[bridge.selectors.near]\nkind = \"file\"\npath = {near}\n\
             [bridge.selectors.it]\nkind = \"file\"\npath = {near}\nbearer_token_file = {}\n",
            quoted(&host.hung())
        ),
    );
    // Dropped first: the exporter cannot end while the mount hangs.
    let files = host.files;
    let url = exporter.url("/bridge?selector=it");
    let scrape = || get(&url, &[("Authorization", "Bearer it 1")]);
    until("the other selector is served", || {
        exporter.scrape("near").status == 200
    });
    assert_eq!(scrape().status, 500);
    let reply = request("POST", &exporter.url("/-/reload"), &[]);
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(exporter.scrape("near").status, 200);
    files.resume().unwrap();
    until("the token can be read", || scrape().status == 200);
}

#[test]
fn sigterm_ends_a_startup_that_waits_for_a_mount() {
    let Some((host, command)) = Host::new() else {
        return;
    };
    let mut serving = Serving::start(
        command,
        &["--config.dropins", "/dev/null"],
        &host.selectors(),
    );
    until("the mount is accessed", || {
        host.files.pending_requests() > 0
    });
    // The process has handlers from here on, at the latest.
    until("the process waits for the mount", || {
        let tasks = fs::read_dir(format!("/proc/{}/task", serving.process())).unwrap();
        tasks.count() > 1
    });
    let began = Instant::now();
    serving.signal("TERM");
    assert!(serving.ended().success());
    assert!(began.elapsed() < ACCESS_TIMEOUT, "{:?}", began.elapsed());
}

#[test]
fn sigterm_ends_an_exporter_whose_files_are_on_a_mount_that_hangs() {
    let Some((host, command)) = Host::new() else {
        return;
    };
    let mut exporter = Exporter::start_as(command, &host.selectors());
    exporter.scrape("it").assert_error(504, "it", "timeout");
    exporter.signal("TERM");
    assert!(exporter.ended().success());
}

#[test]
fn check_and_config_check_do_not_wait_for_a_mount_that_hangs() {
    for arguments in [
        &["serve", "--config.check"][..],
        &["check"],
        &["scrape", "near"],
    ] {
        let Some((host, mut command)) = Host::new() else {
            return;
        };
        let config = host.path("config.toml");
        fs::write(&config, host.selectors()).unwrap();
        command.args(arguments).arg("--config").arg(&config);
        command.args(["--config.dropins", "/dev/null"]);
        let (output, took) = output_of(command);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(took < SOON + ACCESS_TIMEOUT, "{arguments:?}: {took:?}");
        match arguments {
            ["check"] => {
                assert_eq!(output.status.code(), Some(1), "{text}");
                assert!(text.contains("hangs"), "{text}");
            }
            ["scrape", _] => assert_eq!(text, "near 1\n"),
            _ => assert!(text.starts_with("configuration OK"), "{text}"),
        }
    }
}

#[test]
fn a_configuration_on_a_mount_that_hangs_fails_startup_with_its_path() {
    let web = |host: &Host| {
        let text = format!(
            "tls_server_config: {{ cert_file: {0}, key_file: {0} }}\n",
            host.hung().display()
        );
        fs::write(host.path("web.yml"), text).unwrap();
        format!("web_config_file = {}\n", quoted(&host.path("web.yml")))
    };
    type Configuration<'a> = &'a dyn Fn(&Host) -> (PathBuf, PathBuf);
    let main = |host: &Host, text: &str| {
        let config = host.path("config.toml");
        fs::write(&config, text).unwrap();
        config
    };
    let masked = || PathBuf::from("/dev/null");
    let cases: [(Configuration<'_>, &str); 3] = [
        (&|host| (host.hung(), masked()), "mount/it.prom: no reply"),
        (
            &|host| (main(host, ""), host.path("mount")),
            "mount: cannot be listed: no reply",
        ),
        (
            &|host| (main(host, &format!("[service]\n{}", web(host))), masked()),
            "mount/it.prom: no reply",
        ),
    ];
    for (configure, expected) in cases {
        let Some((host, mut command)) = Host::new() else {
            return;
        };
        let (config, drop_ins) = configure(&host);
        command.arg("serve").arg("--config").arg(config);
        command.arg("--config.dropins").arg(drop_ins);
        let (output, took) = output_of(command);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(expected), "{expected} is not in {text}");
        assert!(took < SOON, "{took:?}");
    }
}

#[test]
fn a_reload_fails_while_the_drop_ins_hang_and_a_drop_in_that_hangs_is_left_out() {
    let Some((host, command)) = Host::new() else {
        return;
    };
    // Until the exporter has started, the directory responds.
    host.files.resume().unwrap();
    let near = host.path("conf.d");
    fs::create_dir(&near).unwrap();
    let (near, mount) = (near.to_str().unwrap(), host.path("mount"));
    let arguments = [
        "--config.dropins",
        near,
        "--config.dropins",
        mount.to_str().unwrap(),
    ];
    let config = "[service]\nlisten = [\"127.0.0.1:0\"]\nlifecycle = true\n";
    let serving = Serving::start(command, &arguments, config);
    let url = format!("http://{}/-/reload", serving.address());
    let reload = || request("POST", &url, &[]);
    assert_eq!(reload().status, 200);

    host.files.hang();
    let reply = eventually("a reload reports the directory", || {
        let reply = reload();
        (reply.status == 500).then_some(reply)
    });
    assert!(
        reply.text().contains("mount: cannot be listed: no reply"),
        "{}",
        reply.text()
    );

    host.files.resume().unwrap();
    let began = Instant::now();
    until("the reload succeeds", || reload().status == 200);
    assert!(began.elapsed() < PATIENCE);
}
