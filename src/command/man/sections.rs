//! What manual pages say beside the arguments: exit statuses, variables and files.
//!
//! Words alone. The names of sections are those of man-pages(7).

use crate::command::configuration::{DEFAULT_FILE, DROP_INS};
use local_exporter_config::ENVIRONMENT_PREFIX;

/// A section: its name, and its terms with what is said of each.
pub(super) struct Section {
    pub(super) name: &'static str,
    pub(super) entries: Vec<Entry>,
}

/// A term, and what is said of it.
pub(super) type Entry = (String, String);

/// The sections of a command's page; `command` is its name among the others, or the program's
/// for the page of all of them.
pub(super) fn of(command: &str) -> Vec<Section> {
    let section = |name, entries| Section { name, entries };
    let mut sections = vec![section("EXIT STATUS", exit_statuses(command))];
    if !matches!(command, "lint" | "completions" | "man") {
        sections.push(section("ENVIRONMENT", variables(command)));
        sections.push(section("FILES", files()));
    }
    sections
}

fn entry(term: impl Into<String>, text: impl Into<String>) -> Entry {
    (term.into(), text.into())
}

fn exit_statuses(command: &str) -> Vec<Entry> {
    let (well, failed, wrong) = match command {
        "serve" => (
            "It was stopped as asked.",
            "It could not start, or could not go on.",
            "The arguments or the configuration are wrong; every error is on standard error.",
        ),
        "scrape" => (
            "The body was printed.",
            "The scrape failed; the reason is on standard error.",
            "The arguments or the configuration are wrong, or there is no such selector.",
        ),
        "check" => (
            "All selectors can be served, if with warnings; or none is configured, which it says.",
            "A source is not ready.",
            "The arguments or the configuration are wrong, or there is no such selector.",
        ),
        "lint" => (
            "No body has a problem.",
            "A body has problems.",
            "The arguments are wrong, or a file cannot be read.",
        ),
        _ => (
            "All is well.",
            "What was asked for could not be done; why is on standard error.",
            "The arguments or the configuration are wrong.",
        ),
    };
    vec![entry("0", well), entry("1", failed), entry("2", wrong)]
}

fn variables(command: &str) -> Vec<Entry> {
    let mut variables = vec![
        entry(
            format!("{ENVIRONMENT_PREFIX}__SECTION__KEY"),
            format!(
                "Sets a key of the configuration, with two underscores for each dot: \
                 {ENVIRONMENT_PREFIX}__SERVICE__PORT=9600 sets service.port. It wins over the \
                 files, and flags win over it."
            ),
        ),
        entry(
            "DBUS_SYSTEM_BUS_ADDRESS, DBUS_SESSION_BUS_ADDRESS",
            "Where the buses are that selectors name \"system\" and \"session\".",
        ),
    ];
    if command == "serve" {
        variables.push(entry(
            "NOTIFY_SOCKET, WATCHDOG_USEC",
            "The service manager that is told of readiness, of reloads and, as long as it is so, \
             that all is well; see sd_notify(3).",
        ));
        variables.push(entry(
            "LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES",
            "Sockets that the service manager passes, for --web.systemd-socket; see \
             sd_listen_fds(3).",
        ));
    }
    variables
}

fn files() -> Vec<Entry> {
    let drop_ins = DROP_INS.map(|directory| format!("{directory}/*.toml"));
    vec![
        entry(
            DEFAULT_FILE,
            "The configuration, unless --config names another. It may be absent.",
        ),
        entry(
            drop_ins.join(", "),
            "Drop-ins, unless --config.dropins names other directories. Of files with the same \
             name the one in the last directory counts.",
        ),
    ]
}
