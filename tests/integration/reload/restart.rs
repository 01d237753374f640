//! Changes that need a restart are logged.

use super::{ENABLED, enabled, logged, reload};
use crate::support::{Exporter, quoted, until};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

#[test]
fn changed_keys_that_need_a_restart_are_logged() {
    let exporter = Exporter::start(ENABLED);
    reload(
        &exporter,
        "lifecycle = true\nmax_connections = 7\ntelemetry_path = \"/m\"\n",
    );
    assert_eq!(exporter.get("/metrics").status, 200);
    assert_eq!(exporter.get("/m").status, 404);
    until("the keys are in the log", || {
        let events = logged(&exporter, "changed keys take effect after a restart");
        events
            .first()
            .is_some_and(|event| event["keys"] == "telemetry_path, max_connections")
    });
}

/// A folder beside the program, for which Landlock rules are not those of the temporary directory.
fn folder_beside_the_program() -> TempDir {
    let program = Path::new(env!("CARGO_BIN_EXE_local-exporter"));
    tempfile::tempdir_in(program.parent().unwrap()).unwrap()
}

#[test]
fn a_path_that_a_confined_process_cannot_read_is_logged() {
    let (one, two) = (folder_beside_the_program(), folder_beside_the_program());
    let with = |folder: &TempDir| {
        let public = folder.path().join("public");
        let file = public.join("m.prom");
        fs::create_dir(public).unwrap();
        fs::write(&file, "a 1\n").unwrap();
        enabled(&format!(
            "it = {{ kind = \"file\", path = {} }}\n",
            quoted(&file)
        ))
    };
    let exporter = Exporter::start(&with(&one));
    reload(&exporter, &with(&two));
    let message = "not readable until a restart: Landlock allows only the paths known at startup";
    let is_reported = || !logged(&exporter, message).is_empty();
    // Whether it is readable depends on the kernel and on the stable ancestor of the folder here: the
    // log and the source must agree.
    let served = exporter.scrape("it").status == 200;
    println!("readable: {served}");
    until("the log agrees with the source", || is_reported() != served);
}
