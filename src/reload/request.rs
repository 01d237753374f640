//! Requests for a reload: by a signal, over HTTP or by a timer.
//!
//! One reload runs at a time. Requests that arrive meanwhile share the next one, so at most
//! one reload is pending however many requests there are.

use super::outcome::{ReloadError, ReloadResult, Warnings};
use crate::process::confinement::RequiredAccess;
use local_exporter_config::Layers;
use std::sync::Arc;
use tokio::sync::watch;

/// Asks for reloads. Clones ask the same exporter.
#[derive(Clone, Debug)]
pub struct Reloader(pub(super) Arc<Channel>);

#[derive(Debug)]
pub(super) struct Channel {
    /// What to read; without it every reload is refused.
    pub(super) layers: Option<Layers>,
    /// What the process can granted once it is confined.
    pub(super) granted: Option<RequiredAccess>,
    /// How often a reload was asked for.
    pub(super) requested: watch::Sender<u64>,
    /// The last reload.
    completed: watch::Sender<Completed>,
}

/// A reload that completed.
#[derive(Clone, Debug)]
struct Completed {
    /// Everything that was asked for up to this is answered by it.
    up_to: u64,
    outcome: ReloadResult,
}

impl Reloader {
    /// Reloads from where the configuration came from. `granted` is what the process was
    /// confined to, if it was: what is beyond it is told of at a reload.
    #[must_use]
    pub fn new(layers: Layers, granted: Option<RequiredAccess>) -> Self {
        Self::with(Some(layers), granted)
    }

    /// Refuses every reload: the configuration came from nowhere that could be read again.
    #[must_use]
    pub fn disabled() -> Self {
        Self::with(None, None)
    }

    fn with(layers: Option<Layers>, granted: Option<RequiredAccess>) -> Self {
        let never = Completed {
            up_to: 0,
            outcome: Ok(Warnings::default()),
        };
        Self(Arc::new(Channel {
            layers,
            granted,
            requested: watch::Sender::new(0),
            completed: watch::Sender::new(never),
        }))
    }

    /// Asks for a reload and does not wait for it; the log tells what comes of it.
    pub fn request(&self) {
        self.next_number();
    }

    /// Asks for a reload and waits for its end.
    ///
    /// # Errors
    /// Why the running configuration stays.
    pub async fn reload(&self) -> Result<Warnings, ReloadError> {
        let mut completed = self.0.completed.subscribe();
        let number = self.next_number();
        match completed
            .wait_for(|completed| completed.up_to >= number)
            .await
        {
            Ok(completed) => completed.outcome.clone(),
            Err(_) => Err(ReloadError::one("local-exporter has stopped")),
        }
    }

    fn next_number(&self) -> u64 {
        let mut number = 0;
        self.0.requested.send_modify(|count| {
            *count += 1;
            number = *count;
        });
        number
    }

    /// Answers everybody who asked up to a number.
    pub(super) fn end(&self, up_to: u64, outcome: ReloadResult) {
        self.0.completed.send_replace(Completed { up_to, outcome });
    }

    /// Refuses everything from now on.
    pub(crate) fn close(&self) {
        self.end(
            u64::MAX,
            Err(ReloadError::one("local-exporter is stopping")),
        );
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn who_asks_while_one_runs_is_answered_by_the_next() {
        let reloader = Reloader::disabled();
        let mut first = Box::pin(reloader.reload());
        assert!((&mut first).now_or_never().is_none());
        // The first one runs, for those up to 1, when two more ask.
        let mut second = Box::pin(reloader.reload());
        let mut third = Box::pin(reloader.reload());
        assert!((&mut second).now_or_never().is_none());
        assert!((&mut third).now_or_never().is_none());

        let lacking = Warnings::one("an error");
        reloader.end(1, Ok(lacking.clone()));
        assert_eq!(lacking.to_string(), "left out: an error\n");
        assert_eq!(first.now_or_never(), Some(Ok(lacking)));
        assert!((&mut second).now_or_never().is_none());

        let why = ReloadError::one("an error");
        reloader.end(3, Err(why.clone()));
        assert_eq!(second.now_or_never(), Some(Err(why.clone())));
        assert_eq!(third.now_or_never(), Some(Err(why)));
    }

    #[tokio::test]
    async fn nobody_waits_for_one_that_does_not_come_any_more() {
        let reloader = Reloader::disabled();
        let mut waiting = Box::pin(reloader.reload());
        assert!((&mut waiting).now_or_never().is_none());
        reloader.close();
        assert!(waiting.await.is_err());
        assert!(reloader.reload().await.is_err());
    }
}
