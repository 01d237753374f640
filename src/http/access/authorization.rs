//! The `Authorization` header of a request, and the challenges of a refusal (RFC 7617, RFC 6750).
//!
//! Pure.

use actix_http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The value of an `Authorization` header.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Authorization {
    /// A user name and a password.
    Basic { name: String, password: Vec<u8> },
    /// A bearer token.
    Bearer(Vec<u8>),
    /// Missing, malformed or of another scheme.
    None,
}

impl Authorization {
    /// Reads the first such header, as Go does.
    pub(super) fn read(headers: &HeaderMap) -> Self {
        let value = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
        let value = value.unwrap_or_default();
        let (scheme, rest) = match value.iter().position(|byte| *byte == b' ') {
            Some(space) => value.split_at(space),
            None => return Self::None,
        };
        let rest = rest.trim_ascii();
        if scheme.eq_ignore_ascii_case(b"basic") {
            Self::basic(rest).unwrap_or(Self::None)
        } else if scheme.eq_ignore_ascii_case(b"bearer") && !rest.is_empty() {
            Self::Bearer(rest.to_owned())
        } else {
            Self::None
        }
    }

    fn basic(encoded: &[u8]) -> Option<Self> {
        let decoded = STANDARD.decode(encoded).ok()?;
        let colon = decoded.iter().position(|byte| *byte == b':')?;
        let (name, password) = decoded.split_at_checked(colon)?;
        Some(Self::Basic {
            // A name that is not UTF-8 matches no user.
            name: String::from_utf8_lossy(name).into_owned(),
            password: password.get(1..)?.to_owned(),
        })
    }
}

/// The schemes of which one is sufficient.
#[derive(Clone, Copy, Debug)]
pub(super) struct Challenges {
    pub(super) basic: bool,
    pub(super) bearer: bool,
}

impl Challenges {
    /// The values of `WWW-Authenticate`.
    pub(super) fn schemes(self) -> impl Iterator<Item = &'static str> {
        let basic = self.basic.then_some("Basic");
        basic.into_iter().chain(self.bearer.then_some("Bearer"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    fn read(value: &str) -> Authorization {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        Authorization::read(&headers)
    }

    fn basic(text: &str) -> Authorization {
        read(&format!("Basic {}", STANDARD.encode(text)))
    }

    #[test]
    fn a_password_starts_after_the_first_colon() {
        let pair = |name: &str, password: &str| Authorization::Basic {
            name: name.into(),
            password: password.into(),
        };
        assert!(basic("alice:a:b") == pair("alice", "a:b"));
        assert!(basic(":") == pair("", ""));
        assert!(basic("alice") == Authorization::None);
        assert!(read("bAsIc YTpi") == pair("a", "b"));
    }

    #[test]
    fn an_unknown_or_malformed_header_counts_as_missing() {
        for value in [
            "", "Basic", "Basic !", "Bearer", "Bearer ", "Digest a", "YTpi",
        ] {
            assert!(read(value) == Authorization::None, "{value}");
        }
        assert!(read("bearer t0k3n") == Authorization::Bearer(b"t0k3n".to_vec()));
    }
}
