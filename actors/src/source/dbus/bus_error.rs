//! The error of connecting to a bus, with a hint about its cause.

use super::authentication::AuthenticationError;
use crate::reason::Reason;
use crate::scrape::ScrapeError;
use crate::source::connect::ConnectError;
use local_exporter_config::{Bus, BusAddress, shown};
use std::io::ErrorKind;

/// The hint for a bus that does not accept the user. The remedy recognizes the error by it.
pub(super) const NOT_ACCEPTED: &str =
    "; the bus did not accept this user (dbus_auth_uid is the uid that it sees)";

/// The hint for a handshake that ends early. dbus-daemon does so for a user that does not exist on its
/// host, that no policy allows, or that is neither root nor the owner of a session bus. The remedy
/// recognizes the error by it.
pub(super) const HUNG_UP: &str =
    "; the bus hung up during the handshake: it does not admit this user";
const NO_LISTENER: &str = "; no bus listens there";
const NO_BUS: &str = "; the process that listens there is not a bus";

/// A failed connection to a bus.
#[derive(Debug)]
pub(super) enum BusError {
    /// Connecting to its socket failed.
    Socket(ConnectError),
    /// It is not a bus, or does not accept the user.
    Authentication(AuthenticationError),
    /// Its address is invalid, or the connection ended.
    Bus(zbus::Error),
    /// Connecting to each of its addresses failed.
    List(Vec<(BusAddress, Self)>),
}

impl BusError {
    /// The errors of all addresses of a bus.
    pub(super) fn of_list(mut failures: Vec<(BusAddress, Self)>) -> Self {
        match (failures.pop(), failures.is_empty()) {
            (None, _) => Self::Bus(zbus::Error::Address("the list is empty".to_owned())),
            (Some((_, error)), true) => error,
            (Some(last), false) => {
                failures.push(last);
                Self::List(failures)
            }
        }
    }

    pub(super) fn into_scrape_error(self, bus: &Bus) -> ScrapeError {
        let bus = match bus {
            Bus::System => "the system bus",
            Bus::Session => "the session bus",
            Bus::Address(address) => address,
        };
        let (reason, cause) = self.explain();
        ScrapeError::new(reason, format!("cannot connect to {bus}: {cause}"))
    }

    fn explain(&self) -> (Reason, String) {
        match self {
            Self::Socket(error) => of_socket(error),
            Self::Authentication(error) => of_authentication(error),
            Self::Bus(error) => of_bus(error),
            Self::List(failures) => of_failures(failures),
        }
    }
}

/// The causes for all addresses. A bus that denies access is running, which the others are not.
fn of_failures(failures: &[(BusAddress, BusError)]) -> (Reason, String) {
    let mut reason = Reason::Bus;
    let mut causes = Vec::new();
    for (address, error) in failures {
        let (its_reason, cause) = error.explain();
        if its_reason == Reason::Denied {
            reason = Reason::Denied;
        }
        causes.push(match address {
            BusAddress::Path(path) => format!("{}: {cause}", shown(path)),
            BusAddress::Abstract(name) => format!("@{}: {cause}", name.escape_ascii()),
            BusAddress::Other(text) => format!("{text}: {cause}"),
        });
    }
    (reason, causes.join("; "))
}

fn of_socket(error: &ConnectError) -> (Reason, String) {
    let (io, cause) = (&error.error, &error.cause);
    let (reason, hint) = match (error.instead, io.kind()) {
        (Some(instead), _) => (Reason::Bus, format!("; its path is {instead}")),
        (None, _) if Reason::of_io(io) == Reason::Overloaded => (Reason::Overloaded, String::new()),
        (None, ErrorKind::PermissionDenied) => (Reason::Denied, String::new()),
        (None, ErrorKind::NotFound | ErrorKind::ConnectionRefused) if cause.is_empty() => {
            (Reason::Bus, NO_LISTENER.to_owned())
        }
        (None, _) => (Reason::Bus, String::new()),
    };
    (reason, format!("{io}{hint}{cause}"))
}

fn of_authentication(error: &AuthenticationError) -> (Reason, String) {
    let (reason, hint) = match error {
        AuthenticationError::Rejected => (Reason::Denied, NOT_ACCEPTED),
        AuthenticationError::Closed => (Reason::Bus, HUNG_UP),
        AuthenticationError::Unexpected => (Reason::Bus, NO_BUS),
        AuthenticationError::Io(_) => (Reason::Bus, ""),
    };
    (reason, format!("{error}{hint}"))
}

fn of_bus(error: &zbus::Error) -> (Reason, String) {
    let (reason, hint) = match error {
        zbus::Error::InputOutput(error) => match error.kind() {
            ErrorKind::PermissionDenied => (Reason::Denied, ""),
            ErrorKind::NotFound | ErrorKind::ConnectionRefused => (Reason::Bus, NO_LISTENER),
            ErrorKind::InvalidData => (Reason::Bus, NO_BUS),
            _ => (Reason::Bus, HUNG_UP),
        },
        // The reply to Hello.
        zbus::Error::MethodError(name, ..) if name.ends_with(".AccessDenied") => {
            (Reason::Denied, NOT_ACCEPTED)
        }
        _ => (Reason::Bus, ""),
    };
    (reason, format!("{error}{hint}"))
}

impl From<ConnectError> for BusError {
    fn from(error: ConnectError) -> Self {
        Self::Socket(error)
    }
}

impl From<AuthenticationError> for BusError {
    fn from(error: AuthenticationError) -> Self {
        Self::Authentication(error)
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
    fn the_error_of_a_socket_has_the_cause_that_was_found_on_its_path() {
        let stale = "; /run/it was deleted; its mount still refers to the deleted directory";
        let denied = "; its permissions would allow it";
        let other = "; its path is not a socket";
        let cases = [
            (ErrorKind::NotFound, None, "", Reason::Bus, NO_LISTENER),
            (ErrorKind::NotFound, None, stale, Reason::Bus, stale),
            (
                ErrorKind::ConnectionRefused,
                None,
                "",
                Reason::Bus,
                NO_LISTENER,
            ),
            (
                ErrorKind::ConnectionRefused,
                None,
                stale,
                Reason::Bus,
                stale,
            ),
            (
                ErrorKind::ConnectionRefused,
                Some("not a socket"),
                "",
                Reason::Bus,
                other,
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
        for (kind, instead, cause, reason, hint) in cases {
            let error = ConnectError {
                error: io::Error::new(kind, "it"),
                instead,
                cause: cause.to_owned(),
            };
            let error = BusError::from(error).into_scrape_error(&Bus::System);
            let message = format!("cannot connect to the system bus: it{hint}");
            assert_eq!((error.reason, error.message), (reason, message));
        }
    }
}
