//! What to change where nothing but the failed scrape tells what is wrong.

use crate::reason::Reason;

/// The usual remedy for a reason.
pub(super) fn remedy(reason: Reason) -> &'static str {
    match reason {
        Reason::Absent => "start the daemon, or correct the path",
        Reason::Refused => "restart the daemon: it has left its socket behind",
        Reason::Denied => {
            "permissions allow it, so look at the SELinux label (ls -Z; a volume of a container is \
             relabelled by :z) and the AppArmor profile"
        }
        Reason::Timeout => {
            "have the daemon write and close the connection; if it needs longer, raise `timeout`"
        }
        Reason::Empty => {
            "if nothing is a good answer, set `allow_empty = true`; else correct the daemon"
        }
        Reason::TooLarge => "raise `max_bytes` if so much is meant",
        Reason::Truncated => {
            "have the daemon write the answer to its end, with the last newline (`# EOF` in \
             OpenMetrics); files by rename"
        }
        Reason::Malformed => "correct the daemon; `local-exporter lint` shows each wrong line",
        Reason::Stale => "see why its daemon has stopped writing, or raise `max_age`",
        Reason::Timestamps => "have the daemon leave them out, or set `timestamps = \"strip\"`",
        Reason::Utf8Names => "have the scraper say that it reads such names",
        Reason::Unsuitable => "correct `kind` or `path`",
        Reason::Reset => "look at the daemon's log: it left in the middle of its answer",
        Reason::Bus => {
            "correct the address of the bus, or mount the directory of its socket where the \
             exporter runs"
        }
        Reason::Io => "see what the error of the operating system asks for",
        Reason::Crashed | Reason::Backoff => "report this as a defect of the exporter",
        Reason::Overloaded => "ask again when less is scraped",
    }
}
