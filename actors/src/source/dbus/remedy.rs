//! Remedies for errors of a bus, and of a daemon on it.

use super::bus_error::NOT_ACCEPTED;
use crate::reason::Reason;
use crate::scrape::ScrapeError;
use local_exporter_config::DbusSource;

/// The remedy for an error, if it depends on the bus or the method.
pub(super) fn remedy(spec: &DbusSource, error: &ScrapeError) -> Option<String> {
    let DbusSource {
        destination,
        path,
        interface,
        ..
    } = spec;
    // An error reply of the bus or the daemon begins with the name. Without one, the bus or its
    // socket has denied the connection.
    let is_reply = error.message.starts_with(destination);
    let remedy = match error.reason {
        Reason::Absent => format!(
            "start the daemon that owns {destination}, or correct `destination` or `bus`; where it \
             has a service file, `auto_start = true` starts it"
        ),
        Reason::Denied if is_reply => format!(
            "allow it in a policy file of the bus: <allow send_destination=\"{destination}\" \
             send_interface=\"{interface}\"/> for this user"
        ),
        Reason::Denied if error.message.contains(NOT_ACCEPTED) => {
            "set `bridge.dbus_auth_uid` to the uid that the bus sees, or run the exporter as a user \
             that the bus accepts"
                .to_owned()
        }
        Reason::Refused => format!(
            "correct `path` and `method` (busctl introspect {destination} {path}), or see the \
             daemon's log"
        ),
        Reason::Timeout => {
            format!("see why {destination} does not reply; if it needs longer, raise `timeout`")
        }
        _ => return None,
    };
    Some(remedy)
}
