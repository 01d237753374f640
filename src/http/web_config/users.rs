//! Users: names and bcrypt hashes, and the hash that a password is verified against.
//!
//! Unknown users cost the same bcrypt work as known ones, so timing reveals no names.

use crate::http::digest::{Digest, DigestKey};
use bcrypt::HashParts;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// Minimum length of a bcrypt hash in Go (`golang.org/x/crypto/bcrypt`).
const MIN_HASH_LENGTH: usize = 59;
/// Salt and hash for unknown users. The result of this comparison is ignored.
const DUMMY_HASH: &str = "QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi";
/// Cost of the dummy hash if no user is configured.
const DEFAULT_COST: u32 = 10;

/// User names and bcrypt hashes.
#[derive(Clone)]
pub(crate) struct Users {
    hashes: BTreeMap<String, String>,
    /// For unknown users; as costly as the most costly of `hashes`.
    dummy: String,
}

impl fmt::Debug for Users {
    /// Shows names only.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.hashes.keys()).finish()
    }
}

impl Users {
    pub(super) fn check(written: BTreeMap<String, Option<String>>) -> Result<Self, String> {
        let mut highest = None;
        let mut hashes = BTreeMap::new();
        for (name, hash) in written {
            let hash = hash.unwrap_or_default();
            let cost =
                cost(&hash).map_err(|error| format!("basic_auth_users {name:?}: {error}"))?;
            highest = highest.max(Some(cost));
            hashes.insert(name, hash);
        }
        let cost = highest.unwrap_or(DEFAULT_COST);
        let dummy = format!("$2y${cost:02}${DUMMY_HASH}");
        Ok(Self { hashes, dummy })
    }

    /// Whether no user is configured, so that no authentication is required.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Pairs a name and a password with the hash to verify; unknown names get the dummy hash.
    pub(super) fn credentials(&self, name: &str, password: &[u8]) -> BasicCredentials {
        let hash = self.hashes.get(name);
        BasicCredentials {
            name: name.to_owned(),
            known: hash.is_some(),
            hash: hash.unwrap_or(&self.dummy).clone(),
            password: password.to_owned(),
        }
    }
}

/// Checks the form of a hash; returns its cost.
fn cost(hash: &str) -> Result<u32, String> {
    if hash.len() < MIN_HASH_LENGTH {
        return Err("hashedSecret too short to be a bcrypted password".into());
    }
    let parts = HashParts::from_str(hash).map_err(|error| format!("not a bcrypt hash: {error}"))?;
    match parts.get_cost() {
        cost @ 4..=31 => Ok(cost),
        cost => Err(format!("not a bcrypt hash: cost {cost} is outside 4 to 31")),
    }
}

/// A name and a password from a request, and the hash to verify them with.
pub(super) struct BasicCredentials {
    name: String,
    known: bool,
    hash: String,
    password: Vec<u8>,
}

impl BasicCredentials {
    /// Whether the user exists.
    pub(super) fn is_known(&self) -> bool {
        self.known
    }

    /// A digest that is the same only for the same name, password and hash.
    pub(super) fn digest(&self, key: &DigestKey) -> Digest {
        let known = [u8::from(self.known)];
        let (name, hash) = (self.name.as_bytes(), self.hash.as_bytes());
        key.digest(&[name, &known, hash, &self.password])
    }

    /// Verifies the password. Slow by design.
    pub(super) fn verify(&self) -> bool {
        // `cost` has checked the form of the hash; any other error means a wrong password.
        let matches = bcrypt::verify(&self.password, &self.hash).unwrap_or(false);
        matches && self.known
    }
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    /// bcrypt of `secret` and of `other`, at the minimum cost.
    pub(in super::super) fn users() -> Users {
        let hash = |password: &str| Some(bcrypt::hash(password, 4).unwrap());
        let users = [("alice", hash("secret")), ("bob", hash("other"))];
        let users = users.map(|(name, hash)| (name.to_owned(), hash));
        Users::check(users.into()).unwrap()
    }

    #[test]
    fn an_unknown_name_is_verified_against_a_hash_of_the_same_cost() {
        let users = users();
        let known = users.credentials("alice", b"x");
        let unknown = users.credentials("carol", b"x");
        assert_eq!(cost(&unknown.hash).unwrap(), cost(&known.hash).unwrap());
        assert!(
            bcrypt::verify("x", &unknown.hash).is_ok(),
            "the dummy hash is computed"
        );
        assert!(!unknown.known);
    }

    #[test]
    fn an_invalid_bcrypt_hash_is_an_error() {
        for (hash, expected) in [
            ("", "hashedSecret too short to be a bcrypted password"),
            ("secret", "hashedSecret too short to be a bcrypted password"),
            (&"x".repeat(60), "not a bcrypt hash"),
            (&format!("$2y$99${DUMMY_HASH}"), "not a bcrypt hash"),
        ] {
            let error = cost(hash).unwrap_err();
            assert!(error.contains(expected), "{hash}: {error}");
        }
        for version in ["2a", "2b", "2y"] {
            assert_eq!(cost(&format!("${version}$10${DUMMY_HASH}")), Ok(10));
        }
    }
}
