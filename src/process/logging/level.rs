//! Log levels: how `--log.level`, `-v` and the command select the events that are logged.

use clap::ValueEnum;
use tracing_subscriber::filter::{LevelFilter, Targets};

/// The target of logged panics. No level excludes it: a panic is always a defect.
pub(super) const PANIC: &str = "panic";

/// The values of `--log.level`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Level {
    /// Details for finding the cause of a problem.
    Debug,
    /// Events that an operator acts on.
    Info,
    /// Problems that the exporter handles.
    Warn,
    /// Problems that the exporter cannot handle.
    Error,
}

/// Decides what is logged if no flag says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A service logs at level `info`.
    Service,
    /// A command reports its result itself; only panics are logged.
    Command,
}

/// The targets and levels to log.
///
/// actix-http and notify would log every malformed request and every restart of a daemon as an
/// error. At its lowest level zbus logs whole message bodies, and notify every event of the
/// directory that the log is in, so these are off at every level.
pub(super) fn targets(level: Option<Level>, verbose: u8, mode: Mode) -> Targets {
    use LevelFilter as L;
    let quiet: [(&str, L); 2] = [("actix_http", L::OFF), ("notify", L::OFF)];
    let all = |level| Targets::new().with_default(level);
    match (level, verbose) {
        (None, 0) if mode == Mode::Command => all(L::OFF).with_target(PANIC, L::ERROR),
        (None | Some(Level::Info), 0) => all(L::INFO)
            .with_targets(quiet)
            .with_targets([("actix_server", L::WARN), ("zbus", L::WARN)]),
        (Some(Level::Error), _) => all(L::ERROR).with_targets(quiet),
        (Some(Level::Warn), _) => all(L::WARN).with_targets(quiet),
        (Some(Level::Debug), _) | (_, 1) => all(L::DEBUG).with_targets([
            ("actix_server", L::INFO),
            ("notify", L::INFO),
            ("zbus", L::INFO),
        ]),
        (_, _) => {
            all(L::TRACE).with_targets([("notify", L::INFO), ("mio", L::INFO), ("zbus", L::DEBUG)])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::subscriber::with_default;
    use tracing_subscriber::layer::SubscriberExt;

    #[test]
    fn a_panic_is_logged_at_every_level() {
        let levels = [Level::Debug, Level::Info, Level::Warn, Level::Error];
        let quiet = levels.map(|level| (Some(level), 0));
        for (level, verbose) in quiet.into_iter().chain([(None, 0), (None, 1), (None, 2)]) {
            for mode in [Mode::Service, Mode::Command] {
                let filter = targets(level, verbose, mode);
                with_default(tracing_subscriber::registry().with(filter), || {
                    assert!(tracing::enabled!(target: PANIC, tracing::Level::ERROR));
                });
            }
        }
        let filter = Targets::new().with_default(LevelFilter::OFF);
        with_default(tracing_subscriber::registry().with(filter), || {
            assert!(!tracing::enabled!(target: PANIC, tracing::Level::ERROR));
        });
    }

    #[test]
    fn libraries_are_quieter_than_the_exporter() {
        let enabled = |targets: &Targets, target: &str, level| targets.would_enable(target, &level);
        let info = targets(None, 0, Mode::Service);
        assert!(enabled(
            &info,
            "local_exporter::serve",
            tracing::Level::INFO
        ));
        assert!(!enabled(
            &info,
            "local_exporter::serve",
            tracing::Level::DEBUG
        ));
        assert!(!enabled(&info, "actix_http::h1", tracing::Level::ERROR));
        assert!(!enabled(&info, "zbus", tracing::Level::INFO));
        let verbose = targets(None, 1, Mode::Command);
        assert!(enabled(
            &verbose,
            "local_exporter_actors",
            tracing::Level::DEBUG
        ));
        assert!(!enabled(&verbose, "zbus", tracing::Level::DEBUG));
        let most = targets(None, 2, Mode::Command);
        assert!(enabled(&most, "zbus", tracing::Level::DEBUG));
        assert!(!enabled(&most, "zbus", tracing::Level::TRACE));
    }
}
