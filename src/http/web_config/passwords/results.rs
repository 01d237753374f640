//! The results of password checks, by the digest of the credentials.

use crate::http::digest::Digest;
use std::collections::HashSet;

/// Number of results of each kind, as in the toolkit.
pub(super) const MAX_CACHED: usize = 100;
/// Number of results evicted, at random, when the cache is full, as in the toolkit.
const EVICTED: usize = MAX_CACHED / 10;

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

/// Correct and wrong credentials, apart: wrong ones, which any client can send, evict no correct
/// ones.
#[derive(Debug, Default)]
pub(super) struct Results {
    correct: HashSet<Digest>,
    wrong: HashSet<Digest>,
}

impl Results {
    pub(super) fn get(&self, credentials: &Digest) -> Option<PasswordCheck> {
        let correct = self.correct.contains(credentials);
        let wrong = || self.wrong.contains(credentials);
        match correct {
            true => Some(PasswordCheck::Correct),
            false => wrong().then_some(PasswordCheck::Wrong),
        }
    }

    pub(super) fn insert(&mut self, credentials: Digest, result: PasswordCheck) {
        let cache = match result {
            PasswordCheck::Correct => &mut self.correct,
            PasswordCheck::Wrong => &mut self.wrong,
            PasswordCheck::Busy => return,
        };
        if cache.len() >= MAX_CACHED {
            // A hash set with a random seed iterates in a random order.
            let evicted: Vec<Digest> = cache.iter().take(EVICTED).copied().collect();
            for credentials in evicted {
                cache.remove(&credentials);
            }
        }
        cache.insert(credentials);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::digest::DigestKey;

    #[test]
    fn the_caches_are_bounded_and_wrong_credentials_evict_no_correct_ones() {
        let key = DigestKey::random().unwrap();
        let mut results = Results::default();
        let correct = key.digest(&[b"correct"]);
        results.insert(correct, PasswordCheck::Correct);
        for n in 0..1000_u32 {
            let credentials = key.digest(&[&n.to_be_bytes()]);
            results.insert(credentials, PasswordCheck::Wrong);
            assert!(results.wrong.len() <= MAX_CACHED);
            assert_eq!(results.get(&credentials), Some(PasswordCheck::Wrong));
        }
        assert_eq!(results.get(&correct), Some(PasswordCheck::Correct));
        for n in 0..1000_u32 {
            results.insert(key.digest(&[&n.to_be_bytes()]), PasswordCheck::Correct);
            assert!(results.correct.len() <= MAX_CACHED);
        }
    }
}
