//! The sections of manual pages that the definition of the arguments does not contain: exit
//! statuses, environment variables and files. Text only; the names of sections are those of
//! man-pages(7).

use crate::command::configuration::{DEFAULT_FILE, DROP_INS};
use local_exporter_config::ENVIRONMENT_PREFIX;

/// A section: its name and its entries.
pub(super) struct Section {
    pub(super) name: &'static str,
    pub(super) entries: Vec<Entry>,
}

/// A term and its description.
pub(super) type Entry = (String, String);

/// The sections of the page of a subcommand, or of the program by its name.
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
    let (success, failure, usage) = match command {
        "serve" => (
            "The exporter was stopped by SIGTERM or SIGINT.",
            "The exporter could not start or had to stop.",
            "The arguments or the configuration have errors; standard error lists all of them.",
        ),
        "scrape" => (
            "The body was printed.",
            "The scrape failed; the reason is on standard error.",
            "The arguments or the configuration have errors, or the selector is not configured.",
        ),
        "check" => (
            "All selectors can be served, possibly with warnings, or none is configured.",
            "At least one selector cannot be served.",
            "The arguments or the configuration have errors, or a selector is not configured.",
        ),
        "lint" => (
            "No body has a problem.",
            "A body has problems.",
            "The arguments have errors, or a file cannot be read.",
        ),
        "sd" => (
            "The targets were printed.",
            "Standard output is closed.",
            "The arguments, the configuration or the file with the hosts have errors.",
        ),
        _ => (
            "Success.",
            "Failure; the reason is on standard error.",
            "The arguments or the configuration have errors.",
        ),
    };
    vec![entry("0", success), entry("1", failure), entry("2", usage)]
}

fn variables(command: &str) -> Vec<Entry> {
    let mut variables = vec![
        entry(
            format!("{ENVIRONMENT_PREFIX}__SECTION__KEY"),
            format!(
                "Sets a key of the configuration, with two underscores for each dot: \
                 {ENVIRONMENT_PREFIX}__SERVICE__PORT=9600 sets service.port. Variables override \
                 files, and flags override variables."
            ),
        ),
        entry(
            "DBUS_SYSTEM_BUS_ADDRESS, DBUS_SESSION_BUS_ADDRESS",
            "The addresses of the buses \"system\" and \"session\".",
        ),
    ];
    if command == "serve" {
        variables.push(entry(
            "NOTIFY_SOCKET, WATCHDOG_USEC",
            "The service manager's socket for readiness, reloads and watchdog keep-alives, and the \
             interval of the watchdog; see sd_notify(3).",
        ));
        variables.push(entry(
            "LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES",
            "Sockets passed by the service manager, for --web.systemd-socket; see \
             sd_listen_fds(3).",
        ));
    }
    variables
}

/// The files of the configuration.
pub(super) fn files() -> Vec<Entry> {
    let drop_ins = DROP_INS.map(|directory| format!("{directory}/*.toml"));
    vec![
        entry(
            DEFAULT_FILE,
            "The configuration, unless --config names another file. It is optional.",
        ),
        entry(
            drop_ins.join(", "),
            "Drop-ins, unless --config.dropins names other directories. Of files with the same \
             name, only the one in the last directory is read.",
        ),
    ]
}
