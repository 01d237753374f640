//! Keyed digests of secrets, so that no cache holds a secret in plain text.
//!
//! HMAC-SHA-256 (RFC 2104) with a random key of this process: a digest can be compared within the
//! process, and cannot be searched for its secret without the key.

use ring::hmac;
use ring::rand::SystemRandom;
use std::fmt;
use subtle::{Choice, ConstantTimeEq};

/// Length of a digest in bytes.
const LENGTH: usize = 32;

/// The key of the digests of one cache.
#[derive(Clone)]
pub(crate) struct DigestKey(hmac::Key);

/// The digest of a secret. Only digests with the same key can be compared.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Digest([u8; LENGTH]);

impl fmt::Debug for DigestKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("DigestKey").finish_non_exhaustive()
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Digest").finish_non_exhaustive()
    }
}

impl ConstantTimeEq for Digest {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl DigestKey {
    /// A random key.
    ///
    /// # Errors
    /// If the kernel returns no random bytes.
    pub(crate) fn random() -> Result<Self, String> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new());
        let key = key.map_err(|_| "the kernel returns no random bytes (getrandom(2))")?;
        Ok(Self(key))
    }

    /// The digest of a sequence of byte strings. Each is preceded by its length, so that different
    /// sequences differ even if their concatenations do not.
    pub(crate) fn digest(&self, parts: &[&[u8]]) -> Digest {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let tag = context.sign();
        let mut digest = [0; LENGTH];
        for (to, from) in digest.iter_mut().zip(tag.as_ref()) {
            *to = *from;
        }
        Digest(digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_depend_on_the_key_and_on_each_part() {
        let (one, two) = (DigestKey::random().unwrap(), DigestKey::random().unwrap());
        let digest = one.digest(&[b"ab", b"c"]);
        assert!(digest == one.digest(&[b"ab", b"c"]));
        assert!(digest != one.digest(&[b"a", b"bc"]));
        assert!(digest != one.digest(&[b"abc"]));
        assert!(digest != two.digest(&[b"ab", b"c"]));
    }
}
