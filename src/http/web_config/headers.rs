//! The headers that a file may add to every response: five, some with fixed values.
//!
//! Pure.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use std::collections::BTreeMap;

/// What may be set, and to what, if not to everything. The names are compared
/// with their capitals, as the toolkit does.
const ALLOWED: [(&str, &[&str]); 5] = [
    ("Content-Security-Policy", &[]),
    ("X-Frame-Options", &["deny", "sameorigin"]),
    ("X-Content-Type-Options", &["nosniff"]),
    ("X-XSS-Protection", &[]),
    ("Strict-Transport-Security", &[]),
];

/// Headers for every response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Headers(Vec<(HeaderName, HeaderValue)>);

impl Headers {
    pub(super) fn check(written: BTreeMap<String, Option<String>>) -> Result<Self, String> {
        let headers = written.into_iter();
        headers
            .map(|(name, value)| header(&name, &value.unwrap_or_default()))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Sets them, in place of what was there.
    pub(crate) fn set(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.0 {
            headers.insert(name.clone(), value.clone());
        }
    }
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let allowed = ALLOWED.iter().find(|(allowed, _)| *allowed == name);
    let Some((_, values)) = allowed else {
        return Err(format!("HTTP header {name:?} can not be configured"));
    };
    if !values.is_empty() && !values.contains(&value) {
        return Err(format!(
            "invalid value for {name}. Expected one of: {values:?}, but got: {value:?}"
        ));
    }
    let parsed = (HeaderName::try_from(name), HeaderValue::try_from(value));
    let (Ok(name), Ok(value)) = parsed else {
        return Err(format!(
            "invalid value for {name}: {value:?} cannot be sent"
        ));
    };
    Ok((name, value))
}
