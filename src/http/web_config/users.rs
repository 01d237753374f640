//! Who may ask, by name and bcrypt hash, and what a password is held against.
//!
//! A name that nobody has costs what one that somebody has costs: the same steps,
//! with a hash of the same cost, so that time does not tell which names there are.

use bcrypt::HashParts;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// The length of a bcrypt hash as Go reads it.
const SHORTEST_HASH: usize = 59;
/// Salt and hash of nobody's password. Whether it matches is never looked at.
const NOBODYS: &str = "QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi";
/// The cost of nobody's hash where there is no user at all.
const USUAL_COST: u32 = 10;

/// Names and bcrypt hashes.
#[derive(Clone)]
pub(crate) struct Users {
    hashes: BTreeMap<String, String>,
    nobodys: String,
}

impl fmt::Debug for Users {
    /// The names alone.
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
        let cost = highest.unwrap_or(USUAL_COST);
        let nobodys = format!("$2y${cost:02}${NOBODYS}");
        Ok(Self { hashes, nobodys })
    }

    /// Whether anybody may ask.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// What a password of this name is held against, whether or not anybody has the name.
    pub(super) fn attempt(&self, name: &str, password: &[u8]) -> Attempt {
        let hash = self.hashes.get(name);
        Attempt {
            name: name.to_owned(),
            known: hash.is_some(),
            hash: hash.unwrap_or(&self.nobodys).clone(),
            password: password.to_owned(),
        }
    }
}

/// The cost of a hash that can be one.
fn cost(hash: &str) -> Result<u32, String> {
    if hash.len() < SHORTEST_HASH {
        return Err("hashedSecret too short to be a bcrypted password".into());
    }
    let parts = HashParts::from_str(hash).map_err(|error| format!("no bcrypt hash: {error}"))?;
    match parts.get_cost() {
        cost @ 4..=31 => Ok(cost),
        cost => Err(format!(
            "no bcrypt hash: a cost of {cost} is outside 4 to 31"
        )),
    }
}

/// A name and a password that somebody came with, and the hash it is held against.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Attempt {
    name: String,
    known: bool,
    hash: String,
    password: Vec<u8>,
}

impl Attempt {
    /// Takes long, on purpose.
    pub(super) fn is_right(&self) -> bool {
        // A hash that was checked can be compared with; if not, it is not right.
        let same = bcrypt::verify(&self.password, &self.hash).unwrap_or(false);
        same && self.known
    }
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    /// bcrypt of `secret` and of `other`, at the least cost there is.
    pub(in super::super) fn users() -> Users {
        let hash = |password: &str| Some(bcrypt::hash(password, 4).unwrap());
        let users = [("alice", hash("secret")), ("bob", hash("other"))];
        let users = users.map(|(name, hash)| (name.to_owned(), hash));
        Users::check(users.into()).unwrap()
    }

    #[test]
    fn an_unknown_name_is_held_against_a_hash_of_the_same_cost() {
        let users = users();
        let known = users.attempt("alice", b"x");
        let unknown = users.attempt("carol", b"x");
        assert_eq!(cost(&unknown.hash).unwrap(), cost(&known.hash).unwrap());
        assert!(bcrypt::verify("x", &unknown.hash).is_ok(), "it is computed");
        assert!(!unknown.known);
    }

    #[test]
    fn what_is_no_bcrypt_hash_is_refused() {
        for (hash, expected) in [
            ("", "hashedSecret too short to be a bcrypted password"),
            ("secret", "hashedSecret too short to be a bcrypted password"),
            (&"x".repeat(60), "no bcrypt hash"),
            (&format!("$2y$99${NOBODYS}"), "no bcrypt hash"),
        ] {
            let error = cost(hash).unwrap_err();
            assert!(error.contains(expected), "{hash}: {error}");
        }
        for version in ["2a", "2b", "2y"] {
            assert_eq!(cost(&format!("${version}$10${NOBODYS}")), Ok(10));
        }
    }
}
