//! Decides which messages to send: phases and status in, datagrams out. No I/O.
//!
//! One message is one datagram; related variables are in the same one.

use crate::phase::Phase;
use sd_notify::NotifyState;

/// The bytes of one datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message(String);

impl Message {
    fn of(states: &[NotifyState<'_>]) -> Self {
        let lines = states.iter().map(|state| format!("{state}\n"));
        Self(lines.collect())
    }

    /// A watchdog keep-alive.
    pub(super) fn keep_alive() -> Self {
        Self::of(&[NotifyState::Watchdog])
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// The state of the notifications.
#[derive(Debug, Default)]
pub(super) struct Notifier {
    reported: Reported,
    ready_pending: bool,
    status: String,
}

/// The state that was last reported to the manager.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Reported {
    #[default]
    Nothing,
    Ready,
    Reloading,
}

impl Notifier {
    /// The message to send immediately for a new phase.
    pub(super) fn phase_changed(&mut self, phase: Phase) -> Option<Message> {
        match phase {
            Phase::Starting => None,
            Phase::Serving => {
                self.ready_pending = true;
                // Serving after serving: the reload in between was too short to be observed.
                (self.reported == Reported::Ready).then(|| self.reloading())
            }
            Phase::Reloading => {
                self.ready_pending = false;
                Some(self.reloading())
            }
            Phase::Stopping => Some(Message::of(&[
                NotifyState::Stopping,
                NotifyState::Status("stopping"),
            ])),
        }
    }

    /// The monotonic time identifies the reload.
    fn reloading(&mut self) -> Message {
        self.reported = Reported::Reloading;
        match NotifyState::monotonic_usec_now() {
            Ok(now) => Message::of(&[NotifyState::Reloading, now]),
            // This never fails on Linux; managers before version 253 ignore the time.
            Err(_) => Message::of(&[NotifyState::Reloading]),
        }
    }

    /// Whether `READY=1` is due once all actors have started.
    pub(super) fn ready_pending(&self) -> bool {
        self.ready_pending
    }

    /// The message that the service is ready.
    pub(super) fn ready(&mut self, status: String) -> Message {
        self.ready_pending = false;
        self.reported = Reported::Ready;
        self.status = status;
        Message::of(&[NotifyState::Ready, NotifyState::Status(&self.status)])
    }

    /// The message for a status that has changed.
    pub(super) fn status(&mut self, status: String) -> Option<Message> {
        if self.reported != Reported::Ready || self.status == status {
            return None;
        }
        self.status = status;
        Some(Message::of(&[NotifyState::Status(&self.status)]))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    fn is_reloading(message: Option<Message>) -> bool {
        let text = message.unwrap().0;
        let time = text.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap();
        time.trim_end().parse::<u64>().unwrap() > 0
    }

    #[test]
    fn a_reload_is_reported_with_its_time_even_if_it_was_too_short_to_be_observed() {
        let mut notifier = Notifier::default();
        assert_eq!(notifier.phase_changed(Phase::Starting), None);
        assert!(!notifier.ready_pending());
        assert_eq!(notifier.phase_changed(Phase::Serving), None);
        assert!(notifier.ready_pending());
        assert_eq!(notifier.ready("a".into()).0, "READY=1\nSTATUS=a\n");

        assert!(is_reloading(notifier.phase_changed(Phase::Reloading)));
        assert!(!notifier.ready_pending());
        assert_eq!(
            notifier.phase_changed(Phase::Serving),
            None,
            "already reported"
        );
        assert!(notifier.ready_pending());
        notifier.ready("a".into());

        assert!(is_reloading(notifier.phase_changed(Phase::Serving)));
        assert!(notifier.ready_pending());
        let stopping = notifier.phase_changed(Phase::Stopping).unwrap().0;
        assert_eq!(stopping, "STOPPING=1\nSTATUS=stopping\n");
    }

    #[test]
    fn a_status_is_sent_once_and_never_before_the_service_is_ready() {
        let mut notifier = Notifier::default();
        assert_eq!(notifier.status("a".into()), None);
        notifier.phase_changed(Phase::Serving);
        notifier.ready("a".into());
        assert_eq!(notifier.status("a".into()), None);
        assert_eq!(notifier.status("b".into()).unwrap().0, "STATUS=b\n");
        assert_eq!(notifier.status("b".into()), None);
    }
}
