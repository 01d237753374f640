//! The errors of a call: an error reply, or a failed connection.
//!
//! Maps the error names of D-Bus to reasons. Must not hold a connection. The
//! function that reads a message is public, so that it can be fuzzed.

use super::frames::Oversized;
use super::text::printable;
use crate::reason::Reason;
use crate::scrape::ScrapeError;
use local_exporter_config::DbusSource;
use std::error::Error;
use zbus::message::Message;

/// Whether a connection can be used after a failed call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LinkState {
    /// It carried a reply, which was an error.
    Usable,
    /// It is closed or in an unknown state.
    Broken,
    /// It is closed, because the reply is larger than accepted.
    Oversized,
}

/// A failed call.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) link: LinkState,
    pub(super) error: ScrapeError,
}

impl Failure {
    /// The connection failed during the call.
    pub(super) fn broken(spec: &DbusSource, error: &zbus::Error) -> Self {
        let is_oversized = match error {
            zbus::Error::InputOutput(error) => error
                .get_ref()
                .is_some_and(<dyn Error + Send + Sync>::is::<Oversized>),
            _ => false,
        };
        let error = printable(&error.to_string());
        let message = format!("the call to {} failed: {error}", spec.destination);
        Self {
            link: match is_oversized {
                true => LinkState::Oversized,
                false => LinkState::Broken,
            },
            error: ScrapeError::new(Reason::Bus, message),
        }
    }

    /// The bus closed the connection before the reply.
    pub(super) fn closed(spec: &DbusSource) -> Self {
        let message = format!(
            "the bus closed the connection during the call to {}",
            spec.destination
        );
        Self {
            link: LinkState::Broken,
            error: ScrapeError::new(Reason::Bus, message),
        }
    }

    /// The reply is an error, from the daemon or from the bus on its behalf.
    pub(super) fn replied(spec: &DbusSource, reply: &Message) -> Self {
        let header = reply.header();
        let name = header.error_name().map_or("", |name| name.as_str());
        let link = match name {
            // Too many calls of this connection are unanswered: connect again.
            "org.freedesktop.DBus.Error.LimitsExceeded" => LinkState::Broken,
            _ => LinkState::Usable,
        };
        Self {
            link,
            error: refusal(reply, &spec.destination, spec.auto_start),
        }
    }
}

/// The error for an error reply of `destination`; `auto_start` is whether the bus was asked to start it.
#[must_use]
pub fn refusal(reply: &Message, destination: &str, auto_start: bool) -> ScrapeError {
    let header = reply.header();
    let name = header.error_name().map_or("", |name| name.as_str());
    let body = reply.body();
    let text = printable(body.deserialize::<&str>().unwrap_or("no message"));
    let (reason, hint) = classify(name, auto_start);
    ScrapeError::new(reason, format!("{destination}: {name}: {text}{hint}"))
}

/// The reason and a hint for a standard error name (D-Bus specification and `dbus-protocol.h`).
fn classify(name: &str, auto_start: bool) -> (Reason, &'static str) {
    let Some(standard) = name.strip_prefix("org.freedesktop.DBus.Error.") else {
        return (Reason::Refused, "");
    };
    match standard {
        "ServiceUnknown" | "NameHasNoOwner" if auto_start => (
            Reason::Absent,
            "; no process owns that name on the bus, and no service file starts one",
        ),
        "ServiceUnknown" | "NameHasNoOwner" => (
            Reason::Absent,
            "; no process owns that name on the bus (with auto_start = true the bus starts it on demand)",
        ),
        "AccessDenied" | "AuthFailed" => (
            Reason::Denied,
            "; the bus policy must allow this user to call the method",
        ),
        // The daemon has left the bus during the call. (If it does not reply, the deadline of the
        // scrape is reached first.)
        "NoReply" => (Reason::Reset, ""),
        "Timeout" | "TimedOut" => (Reason::Timeout, ""),
        "LimitsExceeded" => (Reason::Bus, "; a limit of the bus is reached"),
        "Disconnected" | "NoServer" | "NoNetwork" => (Reason::Bus, ""),
        _ => (Reason::Refused, ""),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    #[test]
    fn the_message_of_a_daemon_is_short_and_on_one_line() {
        let call = Message::method_call("/", "M").build(&()).unwrap();
        let refused = |text: &str| {
            let error = Message::error(&call.header(), "a.B").build(&text);
            refusal(&error.unwrap(), "c.D", false).message
        };
        assert_eq!(
            refused("one\ntwo \"three\""),
            "c.D: a.B: one\\ntwo \"three\""
        );
        let long = refused(&"ü".repeat(501));
        assert_eq!(long, format!("c.D: a.B: {}…", "ü".repeat(500)));
    }

    #[test]
    fn auto_start_is_advised_only_where_it_is_not_set() {
        let call = Message::method_call("/", "M").build(&()).unwrap();
        let advised = |auto_start| {
            let error = Message::error(&call.header(), "org.freedesktop.DBus.Error.ServiceUnknown");
            let error = error.build(&"it").unwrap();
            refusal(&error, "c.D", auto_start).message
        };
        assert!(advised(false).contains("auto_start"), "{}", advised(false));
        assert!(!advised(true).contains("auto_start"), "{}", advised(true));
        assert!(
            advised(true).contains("no service file"),
            "{}",
            advised(true)
        );
    }

    #[test]
    fn a_limit_of_the_bus_is_named_as_the_cause() {
        let call = Message::method_call("/", "M").build(&()).unwrap();
        let error = Message::error(&call.header(), "org.freedesktop.DBus.Error.LimitsExceeded");
        let error = refusal(&error.build(&"it").unwrap(), "c.D", false);
        assert_eq!(error.reason, Reason::Bus);
        assert!(
            error.message.ends_with("; a limit of the bus is reached"),
            "{}",
            error.message
        );
    }
}
