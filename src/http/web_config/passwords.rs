//! The checking of passwords.
//!
//! It takes long on purpose, so it happens on the blocking pool, one at a time
//! over the whole process, and what came of it is kept.

use super::users::{Attempt, Users};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Semaphore;

/// Results that are kept, as in the toolkit.
const KEPT: usize = 100;
/// How many are forgotten when there are too many, as in the toolkit; which is left to chance.
const FORGOTTEN: usize = KEPT / 10;
/// Requests that may wait for their password to be checked, beside the one
/// whose turn it is; at the usual cost, the last waits for a few seconds.
const WAITING: usize = 32;
/// What became of a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is the user's.
    Right,
    /// It is not, or there is no such user.
    Wrong,
    /// Too many are waiting for theirs to be checked.
    Busy,
}

/// The checking of passwords, one at a time.
pub(super) struct Passwords {
    known: Mutex<HashMap<Attempt, bool>>,
    turn: Arc<Semaphore>,
    queue: Semaphore,
}

impl fmt::Debug for Passwords {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Passwords").finish_non_exhaustive()
    }
}

impl Passwords {
    pub(super) fn new() -> Self {
        Self {
            known: Mutex::default(),
            turn: Arc::new(Semaphore::new(1)),
            queue: Semaphore::new(WAITING + 1),
        }
    }

    /// Whether a password is the user's. May be dropped at any time; a
    /// computation that has begun goes on, and its result is kept.
    pub(super) async fn check(
        self: &Arc<Self>,
        users: &Users,
        name: &str,
        password: &[u8],
    ) -> Verdict {
        let attempt = users.attempt(name, password);
        if let Some(verdict) = self.recall(&attempt) {
            return verdict;
        }
        let Ok(_place) = self.queue.try_acquire() else {
            return Verdict::Busy;
        };
        let Ok(turn) = Arc::clone(&self.turn).acquire_owned().await else {
            return Verdict::Busy;
        };
        // The same may have been asked by whoever had the turn before.
        if let Some(verdict) = self.recall(&attempt) {
            return verdict;
        }
        let this = Arc::clone(self);
        let compute = move || {
            let right = attempt.is_right();
            this.keep(attempt, right);
            drop(turn);
            verdict(right)
        };
        let computed = tokio::task::spawn_blocking(compute).await;
        computed.unwrap_or(Verdict::Busy)
    }

    /// A failed lock only means that a panic passed by; what is kept is whole all the same.
    fn known(&self) -> MutexGuard<'_, HashMap<Attempt, bool>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn recall(&self, attempt: &Attempt) -> Option<Verdict> {
        self.known().get(attempt).copied().map(verdict)
    }

    fn keep(&self, attempt: Attempt, right: bool) {
        let mut known = self.known();
        if known.len() >= KEPT {
            // A map with keys of chance gives its entries in an order of chance.
            let some = known.keys().take(FORGOTTEN).cloned().collect::<Vec<_>>();
            for attempt in some {
                known.remove(&attempt);
            }
        }
        known.insert(attempt, right);
    }
}

fn verdict(right: bool) -> Verdict {
    if right {
        Verdict::Right
    } else {
        Verdict::Wrong
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::super::users::tests::users;
    use super::*;

    async fn check(passwords: &Arc<Passwords>, name: &str, password: &str) -> Verdict {
        passwords.check(&users(), name, password.as_bytes()).await
    }

    #[tokio::test]
    async fn a_password_is_its_users_alone() {
        let passwords = Arc::new(Passwords::new());
        assert_eq!(check(&passwords, "alice", "secret").await, Verdict::Right);
        assert_eq!(check(&passwords, "alice", "other").await, Verdict::Wrong);
        assert_eq!(check(&passwords, "bob", "secret").await, Verdict::Wrong);
        assert_eq!(check(&passwords, "carol", "secret").await, Verdict::Wrong);
        assert_eq!(check(&passwords, "", "").await, Verdict::Wrong);
    }

    #[tokio::test]
    async fn results_are_kept_and_belong_to_the_hash() {
        let passwords = Arc::new(Passwords::new());
        let before = users();
        let right = passwords.check(&before, "alice", b"secret").await;
        assert_eq!(right, Verdict::Right);
        // Whoever has the turn keeps it: only what is kept is answered.
        let _turn = Arc::clone(&passwords.turn).acquire_owned().await.unwrap();
        let _queue = passwords.queue.acquire_many(33).await.unwrap();
        assert_eq!(
            passwords.check(&before, "alice", b"secret").await,
            Verdict::Right
        );
        let changed = users();
        assert_eq!(
            passwords.check(&changed, "alice", b"secret").await,
            Verdict::Busy
        );
    }

    #[tokio::test]
    async fn there_is_a_bound_on_those_who_wait() {
        let passwords = Arc::new(Passwords::new());
        let turn = Arc::clone(&passwords.turn).acquire_owned().await.unwrap();
        let users = users();
        let names = (0..WAITING + 2).map(|n| n.to_string()).collect::<Vec<_>>();
        let waiting = names.iter().map(|name| passwords.check(&users, name, b"x"));
        let release = async {
            tokio::task::yield_now().await;
            drop(turn);
        };
        let (verdicts, ()) = tokio::join!(futures_util::future::join_all(waiting), release);
        let busy = verdicts.iter().filter(|verdict| **verdict == Verdict::Busy);
        assert_eq!(busy.count(), 1, "{verdicts:?}");
    }

    #[test]
    fn only_so_many_results_are_kept() {
        let passwords = Passwords::new();
        let users = users();
        for n in 0..1000 {
            passwords.keep(users.attempt(&n.to_string(), b"x"), false);
            assert!(passwords.known().len() <= KEPT);
        }
        assert!(passwords.recall(&users.attempt("999", b"x")).is_some());
    }
}
