//! The general remedy for each reason, for errors that no finding explains.

use crate::reason::Reason;

/// The remedy for a reason. The match has no default arm, so that a new reason needs a remedy to compile.
pub(super) fn remedy(reason: Reason) -> &'static str {
    match reason {
        Reason::Absent => "start the daemon, or correct the path",
        Reason::Refused => "restart the daemon: it has left its socket behind",
        Reason::Denied => {
            "permissions allow it, so check the SELinux label (ls -Z; `:z` relabels a volume of a \
             container) and the AppArmor profile"
        }
        Reason::Timeout => {
            "have the daemon close the connection after writing the body; if it needs longer, raise \
             `timeout`"
        }
        Reason::Empty => {
            "have the daemon write at least one metric; if an empty body is valid, set \
             `allow_empty = true`"
        }
        Reason::TooLarge => "have the daemon write less, or raise `max_bytes`",
        Reason::Truncated => {
            "have the daemon write its whole body including the final newline (`# EOF` in \
             OpenMetrics), and replace files by renaming"
        }
        Reason::Malformed => "correct the daemon; `local-exporter lint` shows each wrong line",
        Reason::Stale => "find out why the daemon has stopped writing, or raise `max_age`",
        Reason::Timestamps => "have the daemon omit timestamps, or set `timestamps = \"strip\"`",
        Reason::Utf8Names => {
            "have the scraper request UTF-8 names (escaping=allow-utf-8 in Accept), or correct what prevents the conversion"
        }
        Reason::NotAcceptable => {
            "have the scraper request protobuf (in Prometheus, `scrape_native_histograms` or PrometheusProto \
             in `scrape_protocols`), or have the daemon write text"
        }
        Reason::Unsuitable => "correct `kind` or `path`",
        Reason::Reset => "check the log of the daemon: it closed the connection within its body",
        Reason::Bus => {
            "correct the address of the bus, or mount the directory of its socket where the \
             exporter runs"
        }
        Reason::Io => "resolve the error of the operating system",
        Reason::Crashed | Reason::Backoff => "report this as a defect of the exporter",
        Reason::Overloaded => {
            "retry when fewer scrapes are in flight; if a thread is refused, raise the limit of \
             processes and threads (TasksMax=, pids.max, ulimit -u)"
        }
    }
}
