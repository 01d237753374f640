//! Password checks, limited to one at a time, with cached results.
//!
//! A bcrypt check is slow by design, so it runs on the blocking pool, one at a time in the
//! whole process. The toolkit caches results likewise.

use super::users::{BasicCredentials, Users};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Semaphore;

/// Number of cached results, as in the toolkit.
const MAX_CACHED: usize = 100;
/// Number of results evicted, at random, when the cache is full, as in the toolkit.
const EVICTED: usize = MAX_CACHED / 10;
/// Number of requests that may wait for a check, besides the running one. At the usual
/// bcrypt cost, the last one waits for a few seconds.
const MAX_WAITING: usize = 32;

/// The result of a password check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PasswordCheck {
    /// The password is the user's.
    Correct,
    /// The password is wrong, or the user does not exist.
    Wrong,
    /// Not checked: too many checks are waiting.
    Busy,
}

/// Checks passwords, one at a time.
pub(super) struct PasswordChecker {
    cache: Mutex<HashMap<BasicCredentials, bool>>,
    running: Arc<Semaphore>,
    queue: Semaphore,
}

impl fmt::Debug for PasswordChecker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PasswordChecker")
            .finish_non_exhaustive()
    }
}

impl PasswordChecker {
    pub(super) fn new() -> Self {
        Self {
            cache: Mutex::default(),
            running: Arc::new(Semaphore::new(1)),
            queue: Semaphore::new(MAX_WAITING + 1),
        }
    }

    /// Checks a user's password. Cancel-safe: a check that has started continues, and its
    /// result is cached.
    pub(super) async fn check(
        self: &Arc<Self>,
        users: &Users,
        name: &str,
        password: &[u8],
    ) -> PasswordCheck {
        let credentials = users.credentials(name, password);
        if let Some(result) = self.cached(&credentials) {
            return result;
        }
        let Ok(_queued) = self.queue.try_acquire() else {
            return PasswordCheck::Busy;
        };
        let Ok(running) = Arc::clone(&self.running).acquire_owned().await else {
            return PasswordCheck::Busy;
        };
        // An earlier check in the queue may have had the same credentials.
        if let Some(result) = self.cached(&credentials) {
            return result;
        }
        let this = Arc::clone(self);
        let compute = move || {
            let correct = credentials.verify();
            this.insert(credentials, correct);
            drop(running);
            result(correct)
        };
        let computed = tokio::task::spawn_blocking(compute).await;
        computed.unwrap_or(PasswordCheck::Busy)
    }

    /// Ignores poisoning: a panic leaves the map complete.
    fn cache(&self) -> MutexGuard<'_, HashMap<BasicCredentials, bool>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cached(&self, credentials: &BasicCredentials) -> Option<PasswordCheck> {
        self.cache().get(credentials).copied().map(result)
    }

    fn insert(&self, credentials: BasicCredentials, correct: bool) {
        let mut cache = self.cache();
        if cache.len() >= MAX_CACHED {
            // A hash map with a random seed iterates in a random order.
            let evicted = cache.keys().take(EVICTED).cloned().collect::<Vec<_>>();
            for credentials in evicted {
                cache.remove(&credentials);
            }
        }
        cache.insert(credentials, correct);
    }
}

fn result(correct: bool) -> PasswordCheck {
    if correct {
        PasswordCheck::Correct
    } else {
        PasswordCheck::Wrong
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::super::users::tests::users;
    use super::*;

    async fn check(checker: &Arc<PasswordChecker>, name: &str, password: &str) -> PasswordCheck {
        checker.check(&users(), name, password.as_bytes()).await
    }

    #[tokio::test]
    async fn a_password_is_valid_for_its_user_only() {
        let checker = Arc::new(PasswordChecker::new());
        for (name, password, expected) in [
            ("alice", "secret", PasswordCheck::Correct),
            ("alice", "other", PasswordCheck::Wrong),
            ("bob", "secret", PasswordCheck::Wrong),
            ("carol", "secret", PasswordCheck::Wrong),
            ("", "", PasswordCheck::Wrong),
        ] {
            assert_eq!(check(&checker, name, password).await, expected, "{name}");
        }
    }

    #[tokio::test]
    async fn results_are_cached_by_hash() {
        let checker = Arc::new(PasswordChecker::new());
        let before = users();
        let correct = checker.check(&before, "alice", b"secret").await;
        assert_eq!(correct, PasswordCheck::Correct);
        // While no check can run, only cached results are returned.
        let _running = Arc::clone(&checker.running).acquire_owned().await.unwrap();
        let _queue = checker.queue.acquire_many(33).await.unwrap();
        assert_eq!(
            checker.check(&before, "alice", b"secret").await,
            PasswordCheck::Correct
        );
        let changed = users();
        assert_eq!(
            checker.check(&changed, "alice", b"secret").await,
            PasswordCheck::Busy
        );
    }

    #[tokio::test]
    async fn the_queue_is_bounded() {
        let checker = Arc::new(PasswordChecker::new());
        let running = Arc::clone(&checker.running).acquire_owned().await.unwrap();
        let users = users();
        let names = (0..MAX_WAITING + 2)
            .map(|n| n.to_string())
            .collect::<Vec<_>>();
        let waiting = names.iter().map(|name| checker.check(&users, name, b"x"));
        let release = async {
            tokio::task::yield_now().await;
            drop(running);
        };
        let (results, ()) = tokio::join!(futures_util::future::join_all(waiting), release);
        let busy = results
            .iter()
            .filter(|result| **result == PasswordCheck::Busy);
        assert_eq!(busy.count(), 1, "{results:?}");
    }

    #[test]
    fn the_cache_is_bounded() {
        let checker = PasswordChecker::new();
        let users = users();
        for n in 0..1000 {
            checker.insert(users.credentials(&n.to_string(), b"x"), false);
            assert!(checker.cache().len() <= MAX_CACHED);
        }
        assert!(checker.cached(&users.credentials("999", b"x")).is_some());
    }
}
