//! Requests for a reload: by a signal, over HTTP or by a timer; and their results.
//!
//! Must not know how a reload works: the task in `reload` serves the requests.
//!
//! One reload runs at a time. Requests that arrive meanwhile share the next one, so at most
//! one reload is pending however many requests there are.

pub(crate) mod outcome;

use crate::process::confinement::RequiredAccess;
use local_exporter_config::{Layers, PathAccess};
use outcome::{ReloadError, ReloadResult, Warnings};
use std::sync::Arc;
use tokio::sync::watch;

/// Requests reloads. Clones share one exporter.
#[derive(Clone, Debug)]
pub struct Reloader(pub(crate) Arc<Channel>);

#[derive(Debug)]
pub(crate) struct Channel {
    /// The layers of the configuration. Without them, every reload fails.
    pub(crate) layers: Option<Layers>,
    /// The access that the process kept when it was confined.
    pub(crate) granted: Option<RequiredAccess>,
    /// Accesses configured paths.
    pub(crate) path_access: PathAccess,
    /// The number of requests so far.
    pub(crate) requested: watch::Sender<u64>,
    /// The last reload that completed.
    completed: watch::Sender<Completed>,
}

/// A completed reload.
#[derive(Clone, Debug)]
struct Completed {
    /// The number of the last request that it covers.
    up_to: u64,
    outcome: ReloadResult,
}

impl Reloader {
    /// Reloads from `layers`, whose paths `path_access` reads. `granted` is the access that a confined
    /// process kept; a reload logs the paths outside it.
    #[must_use]
    pub fn new(layers: Layers, granted: Option<RequiredAccess>, path_access: PathAccess) -> Self {
        Self::with(Some(layers), granted, path_access)
    }

    /// Fails every reload, for a configuration that was not read from files.
    #[must_use]
    pub fn disabled() -> Self {
        Self::with(None, None, PathAccess::default())
    }

    fn with(
        layers: Option<Layers>,
        granted: Option<RequiredAccess>,
        path_access: PathAccess,
    ) -> Self {
        let never = Completed {
            up_to: 0,
            outcome: Ok(Warnings::default()),
        };
        Self(Arc::new(Channel {
            layers,
            granted,
            path_access,
            requested: watch::Sender::new(0),
            completed: watch::Sender::new(never),
        }))
    }

    /// Requests a reload without waiting for it. The log has the result.
    pub fn request(&self) {
        self.next_number();
    }

    /// Requests a reload and waits for the result.
    ///
    /// # Errors
    /// The errors for which the running configuration stays.
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

    /// Completes all requests up to a number.
    pub(crate) fn complete(&self, up_to: u64, outcome: ReloadResult) {
        self.0.completed.send_replace(Completed { up_to, outcome });
    }

    /// Fails all pending and future requests.
    pub(crate) fn close(&self) {
        self.complete(
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
    async fn requests_during_a_reload_share_the_next_one() {
        let reloader = Reloader::disabled();
        let mut first = Box::pin(reloader.reload());
        assert!((&mut first).now_or_never().is_none());
        // The reload for request 1 runs when two more requests arrive.
        let mut second = Box::pin(reloader.reload());
        let mut third = Box::pin(reloader.reload());
        assert!((&mut second).now_or_never().is_none());
        assert!((&mut third).now_or_never().is_none());

        let warnings = Warnings::one("an error");
        reloader.complete(1, Ok(warnings.clone()));
        assert_eq!(warnings.to_string(), "left out: an error\n");
        assert_eq!(first.now_or_never(), Some(Ok(warnings)));
        assert!((&mut second).now_or_never().is_none());

        let why = ReloadError::one("an error");
        reloader.complete(3, Err(why.clone()));
        assert_eq!(second.now_or_never(), Some(Err(why.clone())));
        assert_eq!(third.now_or_never(), Some(Err(why)));
    }

    #[tokio::test]
    async fn a_request_does_not_wait_after_shutdown() {
        let reloader = Reloader::disabled();
        let mut waiting = Box::pin(reloader.reload());
        assert!((&mut waiting).now_or_never().is_none());
        reloader.close();
        assert!(waiting.await.is_err());
        assert!(reloader.reload().await.is_err());
    }
}
