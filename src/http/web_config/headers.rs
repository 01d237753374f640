//! The headers that a web configuration may add to every response.
//!
//! Five are allowed, some with fixed values only. Pure.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use std::collections::BTreeMap;

/// Allowed names, each with its allowed values; no values listed means any. Names are
/// case-sensitive, as in the toolkit.
const ALLOWED: [(&str, &[&str]); 5] = [
    ("Content-Security-Policy", &[]),
    ("X-Frame-Options", &["deny", "sameorigin"]),
    ("X-Content-Type-Options", &["nosniff"]),
    ("X-XSS-Protection", &[]),
    ("Strict-Transport-Security", &[]),
];

/// Headers of every response.
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

    /// Sets the headers, replacing existing ones of the same name.
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
