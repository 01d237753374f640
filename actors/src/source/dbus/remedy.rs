//! Remedies for errors of a bus, and of a daemon on it.

use super::bus_error::{HUNG_UP, NOT_ACCEPTED};
use crate::reason::Reason;
use crate::scrape::ScrapeError;
use local_exporter_config::DbusSource;

/// The name of the error for a limit of the bus that is reached.
const LIMITS_EXCEEDED: &str = "org.freedesktop.DBus.Error.LimitsExceeded";

/// The remedy for an error, if it depends on the bus or the method.
pub(super) fn remedy(spec: &DbusSource, error: &ScrapeError) -> Option<String> {
    let DbusSource {
        destination,
        path,
        interface,
        auto_start,
        ..
    } = spec;
    // An error reply of the bus or the daemon begins with the name. Without one, the bus or its
    // socket has denied the connection.
    let is_reply = error.message.starts_with(destination);
    let remedy = match error.reason {
        Reason::Absent if *auto_start => format!(
            "start the daemon that owns {destination}, install a D-Bus service file that names it, or \
             correct `destination` or `bus`"
        ),
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
        Reason::Bus if error.message.contains(LIMITS_EXCEEDED) => {
            "raise the limits of the bus (max_connections_per_user, max_replies_per_connection), or \
             see which programs of this user keep connections to it, or calls of which daemon remain \
             unanswered"
                .to_owned()
        }
        Reason::Bus if error.message.contains(HUNG_UP) => {
            "run the exporter as a user that exists on the host of the bus, and that one of its \
             policies allows to connect (<allow user=\"…\"/>); a session bus admits only its own user"
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
