//! Why there is no connection to a bus, told so that one knows what to change.

use crate::reason::Reason;
use crate::scrape::ScrapeError;
use crate::source::connect::ConnectError;
use local_exporter_config::Bus;
use std::io::ErrorKind;

/// What is told of a bus that knows who we are and does not want us.
pub(super) const NOT_ACCEPTED: &str =
    "; the bus did not accept this user (dbus_auth_uid is the uid that it sees)";

/// How dbus-daemon treats a user that its host does not know.
const HUNG_UP: &str = "; the bus hung up during the handshake (its host may not know this user)";
const NOBODY: &str = "; no bus listens there";
const NO_BUS: &str = "; what listens there is no bus";

/// Where it ended.
#[derive(Debug)]
pub(super) enum BusError {
    /// Before its socket.
    Socket(ConnectError),
    /// At its address, or in its handshake.
    Bus(zbus::Error),
}

impl BusError {
    pub(super) fn into_scrape_error(self, bus: &Bus) -> ScrapeError {
        let bus = match bus {
            Bus::System => "the system bus",
            Bus::Session => "the session bus",
            Bus::Address(address) => address,
        };
        let (reason, cause) = match self {
            Self::Socket(why) => of_socket(&why),
            Self::Bus(error) => of_bus(&error),
        };
        ScrapeError::new(reason, format!("cannot connect to {bus}: {cause}"))
    }
}

fn of_socket(why: &ConnectError) -> (Reason, String) {
    let (error, found) = (&why.error, &why.found);
    let (reason, hint) = match (why.instead, error.kind()) {
        (Some(what), _) => (Reason::Bus, format!("; what stands there is {what}")),
        (None, ErrorKind::PermissionDenied) => (Reason::Denied, String::new()),
        (None, ErrorKind::NotFound | ErrorKind::ConnectionRefused) if found.is_empty() => {
            (Reason::Bus, NOBODY.to_owned())
        }
        (None, _) => (Reason::Bus, String::new()),
    };
    (reason, format!("{error}{hint}{found}"))
}

fn of_bus(error: &zbus::Error) -> (Reason, String) {
    let (reason, hint) = match error {
        zbus::Error::InputOutput(error) => match error.kind() {
            ErrorKind::PermissionDenied => (Reason::Denied, ""),
            ErrorKind::NotFound | ErrorKind::ConnectionRefused => (Reason::Bus, NOBODY),
            ErrorKind::InvalidData => (Reason::Bus, NO_BUS),
            _ => (Reason::Bus, HUNG_UP),
        },
        // zbus tells these apart by their words only; a test holds it to them.
        zbus::Error::Handshake(words) if words.contains("rejected by the server") => {
            (Reason::Denied, NOT_ACCEPTED)
        }
        zbus::Error::Handshake(words) if words.contains("EOF") => (Reason::Bus, HUNG_UP),
        zbus::Error::Handshake(_) => (Reason::Bus, NO_BUS),
        _ => (Reason::Bus, ""),
    };
    (reason, format!("{error}{hint}"))
}

impl From<ConnectError> for BusError {
    fn from(why: ConnectError) -> Self {
        Self::Socket(why)
    }
}

impl From<zbus::Error> for BusError {
    fn from(error: zbus::Error) -> Self {
        Self::Bus(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn a_socket_that_was_not_connected_to_is_told_with_what_was_found_on_the_way() {
        let dead = "; /run/it was deleted and is only still mounted";
        let denied = "; its permissions would allow it";
        let stands = "; what stands there is no socket";
        let cases = [
            (ErrorKind::NotFound, None, "", Reason::Bus, NOBODY),
            (ErrorKind::NotFound, None, dead, Reason::Bus, dead),
            (ErrorKind::ConnectionRefused, None, "", Reason::Bus, NOBODY),
            (ErrorKind::ConnectionRefused, None, dead, Reason::Bus, dead),
            (
                ErrorKind::ConnectionRefused,
                Some("no socket"),
                "",
                Reason::Bus,
                stands,
            ),
            (
                ErrorKind::PermissionDenied,
                None,
                denied,
                Reason::Denied,
                denied,
            ),
            (ErrorKind::NotADirectory, None, "", Reason::Bus, ""),
        ];
        for (kind, instead, found, reason, hint) in cases {
            let why = ConnectError {
                error: io::Error::new(kind, "it"),
                instead,
                found: found.to_owned(),
            };
            let error = BusError::from(why).into_scrape_error(&Bus::System);
            let message = format!("cannot connect to the system bus: it{hint}");
            assert_eq!((error.reason, error.message), (reason, message));
        }
    }
}
