//! Password checks, limited to one at a time, with cached results.
//!
//! A bcrypt check is slow by design, so it runs on the blocking pool, one at a time in the
//! whole process. Requests with the same credentials share one check. Results are cached, as in
//! the toolkit, by a keyed digest: no cache contains a password.

mod queue;
mod results;

use super::users::{BasicCredentials, Users};
use crate::http::client::Peer;
use crate::http::digest::{Digest, DigestKey};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use local_exporter_actors::BlockingPool;
use queue::{Lane, Place, Queue};
pub(crate) use results::PasswordCheck;
use results::Results;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// The assumed duration of a check before the first one was measured.
const USUAL_CHECK: Duration = Duration::from_millis(100);

/// A check that waits or runs. It ends when no request waits for it, unless it has started.
type Check = Shared<BoxFuture<'static, PasswordCheck>>;

/// Checks passwords, one at a time.
pub(super) struct PasswordChecker {
    key: DigestKey,
    queue: Arc<Queue>,
    state: Mutex<CheckerState>,
    blocking: BlockingPool,
}

#[derive(Default)]
struct CheckerState {
    results: Results,
    /// The checks that wait or run, with a number that identifies each.
    pending: HashMap<Digest, (u64, WeakShared<BoxFuture<'static, PasswordCheck>>)>,
    next: u64,
    /// The duration of the latest check.
    took: Option<Duration>,
}

/// What to do about a request.
enum Step {
    Known(PasswordCheck),
    Wait(Check),
    /// The lane of unknown names is full.
    Delay(Duration),
}

impl fmt::Debug for PasswordChecker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PasswordChecker")
            .finish_non_exhaustive()
    }
}

impl PasswordChecker {
    /// # Errors
    /// If there are no random bytes for the key of the digests.
    pub(super) fn new(blocking: BlockingPool) -> Result<Self, String> {
        Ok(Self {
            blocking,
            key: DigestKey::random()?,
            queue: Arc::new(Queue::new()),
            state: Mutex::default(),
        })
    }

    /// Checks the password of a client's user. Cancel-safe: a check that has started continues,
    /// and its result is cached.
    pub(super) async fn check(
        self: &Arc<Self>,
        users: &Users,
        peer: Option<&Peer>,
        name: &str,
        password: &[u8],
    ) -> PasswordCheck {
        match self.step(users.credentials(name, password), peer) {
            Step::Known(result) => result,
            Step::Wait(check) => check.await,
            Step::Delay(delay) => {
                // The response comes about as late as that of a check, so that it does not reveal
                // which names exist, and costs no computing time.
                sleep(delay).await;
                PasswordCheck::Wrong
            }
        }
    }

    /// Uses a cached result, joins a check of the same credentials, or starts one.
    fn step(self: &Arc<Self>, credentials: BasicCredentials, peer: Option<&Peer>) -> Step {
        let digest = credentials.digest(&self.key);
        let mut state = self.state();
        if let Some(result) = state.results.get(&digest) {
            return Step::Known(result);
        }
        let pending = state.pending.get(&digest);
        if let Some(check) = pending.and_then(|(_, check)| check.upgrade()) {
            return Step::Wait(check);
        }
        let lane = match credentials.is_known() {
            true => Lane::of(peer),
            false => Lane::UnknownUser,
        };
        let Some(place) = self.queue.enter(lane) else {
            let took = state.took.unwrap_or(USUAL_CHECK);
            let checks = u32::try_from(self.queue.len()).unwrap_or(u32::MAX);
            return match lane {
                Lane::UnknownUser => Step::Delay(took.saturating_mul(checks)),
                Lane::Address(_) | Lane::Local => Step::Known(PasswordCheck::Busy),
            };
        };
        let number = state.next;
        state.next += 1;
        let pending = PendingCheck {
            checker: Arc::clone(self),
            digest,
            number,
        };
        let check = pending.run(credentials, place).boxed().shared();
        if let Some(weak) = check.downgrade() {
            state.pending.insert(digest, (number, weak));
        }
        Step::Wait(check)
    }

    /// Ignores poisoning: a panic leaves the maps complete.
    fn state(&self) -> MutexGuard<'_, CheckerState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The entry of a check in the map of pending ones; removed when dropped.
struct PendingCheck {
    checker: Arc<PasswordChecker>,
    digest: Digest,
    number: u64,
}

impl PendingCheck {
    /// Waits for the turn of this check, and runs it.
    async fn run(self, credentials: BasicCredentials, place: Place) -> PasswordCheck {
        let Some(turn) = place.turn().await else {
            return PasswordCheck::Busy;
        };
        let (checker, digest) = (Arc::clone(&self.checker), self.digest);
        let compute = move || {
            let began = Instant::now();
            let result = match credentials.verify() {
                true => PasswordCheck::Correct,
                false => PasswordCheck::Wrong,
            };
            let mut state = checker.state();
            state.results.insert(digest, result);
            state.took = Some(began.elapsed());
            drop((state, turn));
            result
        };
        let computed = self.checker.blocking.spawn(compute).await;
        computed.unwrap_or(PasswordCheck::Busy)
    }
}

impl Drop for PendingCheck {
    fn drop(&mut self) {
        let mut state = self.checker.state();
        let entry = state.pending.get(&self.digest);
        // Another check of the same credentials may have begun meanwhile.
        if entry.is_some_and(|(number, _)| *number == self.number) {
            state.pending.remove(&self.digest);
        }
    }
}

#[cfg(test)]
mod tests;
