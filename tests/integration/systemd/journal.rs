//! The journal gets the fields of events if standard error is the journal.

use crate::support::{eventually, open_to_all, program};
use local_exporter_skip::skip;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};

/// Starts the exporter with a journal socket and with its standard error in a file, which
/// `$JOURNAL_STREAM` names if `matches`. Returns what the journal and the file received first.
fn on_the_journal(folder: &Path, matches: bool) -> Option<(String, String)> {
    let socket = folder.join("socket");
    let journal = UnixDatagram::bind(&socket).unwrap();
    journal.set_nonblocking(true).unwrap();
    let log = folder.join("log");
    let stderr = File::create(&log).unwrap();
    let is = stderr.metadata().unwrap();
    let inode = if matches { is.ino() } else { is.ino() + 1 };
    // A directory of the test replaces `/run`, for this process only.
    let script = format!(
        "mount -t tmpfs none /run && mkdir -p /run/systemd/journal && \
         mount --bind {} /run/systemd/journal && exec \"$@\"",
        folder.display()
    );
    let unshare = [
        "--user",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        &script,
        "sh",
    ];
    let probe = Command::new("unshare").args(unshare).arg("true").status();
    if !probe.is_ok_and(|status| status.success()) {
        skip("unshare cannot make namespaces here");
        return None;
    }
    let mut child = Command::new("unshare")
        .args(unshare)
        .arg(program().get_program())
        .args([
            "serve",
            "--config",
            "/dev/null",
            "--web.listen-address",
            "127.0.0.1:0",
        ])
        .env("JOURNAL_STREAM", format!("{}:{inode}", is.dev()))
        .stderr(Stdio::from(stderr))
        .spawn()
        .unwrap();
    let mut entries = String::new();
    let found = eventually("the exporter listens", || {
        let mut bytes = [0; 8192];
        while let Ok(length) = journal.recv(&mut bytes) {
            entries += &String::from_utf8_lossy(&bytes[..length]);
        }
        let written = std::fs::read_to_string(&log).unwrap();
        let listens = entries.contains("listening") || written.contains("listening");
        listens.then(|| (entries.clone(), written))
    });
    child.kill().unwrap();
    child.wait().unwrap();
    Some(found)
}

#[test]
fn the_journal_gets_fields_if_standard_error_is_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    open_to_all(folder.path());
    let Some((journal, written)) = on_the_journal(folder.path(), true) else {
        return;
    };
    assert!(written.is_empty(), "{written}");
    for (field, value) in [
        ("MESSAGE", "listening"),
        // The number of info in syslog(3).
        ("PRIORITY", "6"),
        ("LOCAL_EXPORTER_ADDRESS", "127.0.0.1:"),
        ("SYSLOG_IDENTIFIER", "local-exporter"),
    ] {
        // The length of the value is between the two (systemd's "Native Journal Protocol").
        let name = format!("{field}\n");
        let mut values = journal
            .split(&name)
            .skip(1)
            .filter_map(|rest| rest.get(8..));
        let has = values.any(|rest| rest.starts_with(value));
        assert!(has, "{field} is not {value:?} in {journal:?}");
    }
}

#[test]
fn the_journal_gets_nothing_if_standard_error_is_redirected() {
    let folder = tempfile::tempdir().unwrap();
    open_to_all(folder.path());
    let Some((journal, written)) = on_the_journal(folder.path(), false) else {
        return;
    };
    assert!(journal.is_empty(), "{journal:?}");
    assert!(written.contains("level=info"), "{written}");
}
