//! Checks that some names are used in one place only, or nowhere.

use super::{root, sources};

/// The product's source files, without tests: their names in the repository, and their code lines.
fn code() -> Vec<(String, String)> {
    let folders = ["src", "actors/src", "actors/exposition/src", "config/src"];
    let files = folders
        .iter()
        .flat_map(|folder| sources(&root().join(folder)));
    let mut found = Vec::new();
    for file in files {
        let name = file
            .strip_prefix(root())
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        let is_test = name.contains("tests") || name.contains("_test");
        let text = std::fs::read_to_string(&file).unwrap();
        // Unit tests are at the end of a file.
        let text = text.split("#[cfg(test)]\nmod ").next().unwrap();
        let is_code = |line: &&str| !line.trim().starts_with("//");
        let lines: Vec<&str> = text.lines().filter(is_code).collect();
        if !is_test {
            found.push((name, lines.join("\n")));
        }
    }
    found
}

/// The files whose code contains one of the texts.
fn files_with(texts: &[&str]) -> Vec<String> {
    let mut found: Vec<String> = code()
        .into_iter()
        .filter(|(_, code)| texts.iter().any(|text| code.contains(text)))
        .map(|(name, _)| name)
        .collect();
    found.sort_unstable();
    found
}

#[test]
fn each_of_these_names_is_used_in_one_place() {
    // A longer name that ends with it does not count.
    let names = |line: &str, what: &str| {
        let within = |c: char| c.is_alphanumeric() || c == '_';
        let mut places = line.match_indices(what);
        places.any(|(at, _)| !line[..at].ends_with(within))
    };
    let once = |what: &str, place: &str| {
        for folder in ["src", "actors/src", "actors/exposition/src", "config/src"] {
            for file in sources(&root().join(folder)) {
                let code = std::fs::read_to_string(&file).unwrap();
                let name = file.strip_prefix(root()).unwrap().to_str().unwrap();
                // Comments may name it anywhere.
                let used = code
                    .lines()
                    .any(|line| !line.trim().starts_with("//") && names(line, what));
                assert!(
                    !used || name.starts_with(place),
                    "{what} is used in {name}, not only in {place}"
                );
            }
        }
    };
    once("catch_unwind", "actors/src/supervise");
    once("StatusCode::", "src/http/reply.rs");
    once("notify::", "actors/src/source/watch/watcher_thread.rs");
    once("zbus::", "actors/src/source/dbus");
    once("landlock::", "src/process/confinement");
    once("listenfd::", "src/http/listen");
    once("sd_notify::", "src/process/systemd");
    once("tracing_appender::", "src/process/logging");
    once("tracing_subscriber", "src/process/logging");
    once("actix_web", "src/");
}

/// A name of a file that is printed as it is can forge log lines and control a terminal.
#[test]
fn every_path_is_displayed_by_the_same_type() {
    assert_eq!(files_with(&[".display()"]), Vec::<String>::new());
}

/// No waiting depends on it: it is read to compare files' times, and to display times.
#[test]
fn the_wall_clock_is_read_only_in_these_places() {
    let expected = [
        "actors/src/source/file/read.rs",
        "actors/src/source/file/scan.rs",
        "actors/src/status/observe.rs",
        "actors/src/status/source_log.rs",
        "src/http/file_backed/stamp.rs",
        "src/metrics/configuration.rs",
        "src/pages/bridge.rs",
        "src/process/logging/writer.rs",
    ];
    assert_eq!(files_with(&["SystemTime::now", "Utc::now"]), expected);
}

/// Settings and registries are values that are passed on; a table of constants is no state.
#[test]
fn there_are_no_globals() {
    let mut found = Vec::new();
    for (name, code) in code() {
        // Of any visibility: `static`, `pub static`, `pub(in crate::a) static`.
        let is_static = |line: &&str| {
            let line = line.trim_start();
            let item = match line.strip_prefix("pub") {
                Some(rest) if rest.starts_with('(') => {
                    rest.split_once(") ").map_or("", |(_, item)| item)
                }
                Some(rest) => rest.trim_start(),
                None => line,
            };
            item.starts_with("static ") || item.starts_with("thread_local!")
        };
        found.extend(
            code.lines()
                .filter(is_static)
                .map(|line| format!("{name}: {line}")),
        );
    }
    let constant = |line: &String| line.contains("static CLASSES: [u8; 256]");
    let allocator = |line: &String| line.starts_with("src/main.rs: static ALLOCATOR: ");
    found.retain(|line| !constant(line) && !allocator(line));
    assert_eq!(found, Vec::<String>::new());
}

/// All other pages, `/metrics` and `/debug/actors` among them, respond while an actor is stuck.
#[test]
fn only_the_bridge_and_two_commands_send_a_message_to_an_actor() {
    let expected = [
        "src/command/check.rs",
        "src/command/scrape.rs",
        "src/pages/bridge.rs",
    ];
    let mut found = files_with(&[".scrape("]);
    found.retain(|name| name.starts_with("src/"));
    assert_eq!(found, expected);
}

#[test]
fn the_http_modules_name_no_kind_of_source() {
    let kinds = [
        "UdsSource",
        "DbusSource",
        "FileSource",
        "DirectorySource",
        "Source::",
    ];
    let mut found = files_with(&kinds);
    found.retain(|name| name.starts_with("src/"));
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn each_crate_lists_the_kinds_once() {
    let mut found = files_with(&["Source::Uds", "Source::Dbus"]);
    found.retain(|name| !name.starts_with("config/"));
    assert_eq!(found, ["actors/src/source.rs"]);

    // In `config`, a macro writes the variants, so the settings of the kinds are searched.
    let mut found = files_with(&["UdsSource", "DbusSource"]);
    found.retain(|name| name.starts_with("config/"));
    let expected = [
        "config/src/kind.rs",
        "config/src/kind/dbus.rs",
        "config/src/kind/uds.rs",
        // Re-exports them.
        "config/src/lib.rs",
    ];
    assert_eq!(found, expected);
}
