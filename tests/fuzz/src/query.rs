//! Parses any query and any headers of a scrape.
//!
//! Rules: no panic; the selector equals the one that a second, independent parser finds; the deadline is within the
//! scraper's timeout; a refusal is one short sentence.
//!
//! The first line of the input is the query, the second the scraper's timeout if it is not empty, and each further
//! line is an `Accept` header.

use actix_web::http::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};
use local_exporter::{Rejection, SCRAPE_TIMEOUT_HEADER, ScrapeRequest, accepted};
use local_exporter_actors::{Accepted, Names, Protobuf};
use std::time::Duration;

/// Subtracted from the scraper's timeout, and the shortest deadline that remains.
const OFFSET: Duration = Duration::from_millis(500);
const FLOOR: Duration = Duration::from_millis(100);
const LONGEST_SENTENCE: usize = 512;

/// Reads one query and its headers. Panics if a rule is broken.
pub fn run(input: &[u8]) {
    let mut lines = input.split(|byte| *byte == b'\n');
    // Bytes that are not UTF-8 never become a URL.
    let query = std::str::from_utf8(lines.next().unwrap_or_default());
    let Ok(query) = query else { return };
    let patience = lines.next().filter(|line| !line.is_empty());
    let Ok(patience) = patience.map(HeaderValue::from_bytes).transpose() else {
        return;
    };
    let Ok(accept) = lines
        .map(HeaderValue::from_bytes)
        .collect::<Result<Vec<_>, _>>()
    else {
        return;
    };

    let headers = headers(patience.as_ref(), &accept);
    let selectors = selectors(query);
    match ScrapeRequest::parse(query, &headers, OFFSET) {
        Ok(asked) => {
            assert_eq!(selectors, [asked.selector.as_ref()]);
            assert!(!asked.selector.is_empty());
            assert_eq!(asked.accepted, accepted_by(&accept));
            let encoded: String = asked
                .selector
                .bytes()
                .map(|byte| format!("%{byte:02x}"))
                .collect();
            let encoded = format!("a=b&selector={encoded}&c");
            assert_eq!(
                ScrapeRequest::parse(&encoded, &headers, OFFSET).as_ref(),
                Ok(&asked)
            );
            within_patience(patience.as_ref(), asked.timeout);
        }
        Err((rejection, sentence)) => {
            assert!(!sentence.chars().any(char::is_control), "{sentence:?}");
            assert!(sentence.len() <= LONGEST_SENTENCE, "{sentence:?}");
            match rejection {
                Rejection::MissingSelector => assert!(selectors.is_empty()),
                Rejection::EmptySelector => assert_eq!(selectors, [""]),
                Rejection::RepeatedSelector => assert!(selectors.len() > 1),
                Rejection::BadDeadline => assert_eq!(seconds(patience.as_ref()), None),
                Rejection::UnknownSelector | Rejection::NoConnection => {
                    panic!("parsing does not look up selectors: {sentence}")
                }
            }
        }
    }
}

fn headers(patience: Option<&HeaderValue>, accept: &[HeaderValue]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(patience) = patience {
        let name = HeaderName::try_from(SCRAPE_TIMEOUT_HEADER).expect("a name of a header");
        headers.insert(name, patience.clone());
    }
    for value in accept {
        headers.append(ACCEPT, value.clone());
    }
    headers
}

/// The values of `selector` in a query, read after the URL standard
/// ("application/x-www-form-urlencoded parsing").
fn selectors(query: &str) -> Vec<String> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let values = pairs.filter(|(name, _)| decoded(name) == "selector");
    values.map(|(_, value)| decoded(value)).collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let digit = |index: usize| char::from(*behind.get(index)?).to_digit(16);
        rest = behind;
        match (first, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = &behind[2..];
            }
            (b'+', _, _) => bytes.push(b' '),
            (other, _, _) => bytes.push(*other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The scraper's timeout, if it is a non-negative number of seconds.
fn seconds(patience: Option<&HeaderValue>) -> Option<f64> {
    let text = std::str::from_utf8(patience?.as_bytes()).ok()?;
    let seconds: f64 = text.trim().parse().ok()?;
    (seconds >= 0.0).then_some(seconds)
}

fn within_patience(patience: Option<&HeaderValue>, within: Duration) {
    assert!(within >= FLOOR, "{within:?}");
    let Some(patience) = patience else {
        return assert_eq!(within, Duration::MAX);
    };
    let seconds = seconds(Some(patience)).expect("it was accepted");
    if let (true, Ok(patience)) = (seconds > 0.0, Duration::try_from_secs_f64(seconds)) {
        assert!(
            within <= patience.saturating_sub(OFFSET).max(FLOOR),
            "{patience:?}"
        );
        assert!(
            within + OFFSET >= patience,
            "{within:?} of {patience:?} is less than it may be"
        );
    }
}

/// The bodies that the scraper accepts. Several `Accept` headers mean the same as one with their values joined.
fn accepted_by(accept: &[HeaderValue]) -> Accepted {
    let texts = accept.iter().filter_map(|value| value.to_str().ok());
    let joined = texts.collect::<Vec<_>>().join(",").to_ascii_lowercase();
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_str(&joined).expect("it is ASCII"));
    let accepted = accepted(&headers);
    assert!(
        accepted.names != Names::Utf8 || joined.contains("allow-utf-8"),
        "{joined:?}"
    );
    assert!(
        accepted.protobuf != Protobuf::Requested || joined.contains("protobuf"),
        "{joined:?}"
    );
    accepted
}
