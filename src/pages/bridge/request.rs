//! The request for a scrape: its query and its headers.
//!
//! Pure. It does not know which selectors are configured.

use super::{accept, timeout};
use crate::limits::Rejection;
use actix_web::http::header::{HeaderMap, HeaderValue};
use local_exporter_actors::Accepted;
use std::borrow::Cow;
use std::time::Duration;

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScrapeRequest<'q> {
    /// The selector's name. Not empty, but not necessarily configured.
    pub selector: Cow<'q, str>,
    /// The scraper's timeout less the offset; [`Duration::MAX`] if it sets none.
    pub timeout: Duration,
    /// The bodies that the scraper supports.
    pub accepted: Accepted,
    /// What to return.
    pub form: ResponseForm,
}

/// What a scrape returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseForm {
    /// The body.
    Body,
    /// A text that explains the scrape, for `debug=true`.
    Debug,
}

impl<'q> ScrapeRequest<'q> {
    /// Parses a query string and the headers; `offset` is subtracted from the scraper's timeout.
    ///
    /// # Errors
    /// The reason for which this is not a request for a scrape, and a message.
    pub fn parse(
        query: &'q str,
        headers: &HeaderMap,
        offset: Duration,
    ) -> Result<Self, (Rejection, String)> {
        let (selector, form) = parse_query(query).map_err(|(why, text)| (why, text.to_owned()))?;
        let header = headers.get(timeout::SCRAPE_TIMEOUT_HEADER);
        let timeout = timeout::scrape_timeout(header.map(HeaderValue::as_bytes), offset)
            .map_err(|message| (Rejection::BadDeadline, message))?;
        let accepted = accept::accepted(headers);
        Ok(Self {
            selector,
            timeout,
            accepted,
            form,
        })
    }
}

/// The selector in a query and the form of the response. Other parameters are ignored.
fn parse_query(query: &str) -> Result<(Cow<'_, str>, ResponseForm), (Rejection, &'static str)> {
    let (mut selector, mut form) = (None, ResponseForm::Body);
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*key {
            "selector" if selector.is_some() => {
                return Err((
                    Rejection::RepeatedSelector,
                    "the parameter selector is repeated; request each selector separately",
                ));
            }
            "selector" => selector = Some(value),
            "debug" if value == "true" => form = ResponseForm::Debug,
            _ => {}
        }
    }
    match selector {
        None => Err((
            Rejection::MissingSelector,
            "the parameter selector is missing; request /bridge?selector=NAME",
        )),
        Some(name) if name.is_empty() => Err((
            Rejection::EmptySelector,
            "the parameter selector is empty; request /bridge?selector=NAME",
        )),
        Some(name) => Ok((name, form)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_names_exactly_one_selector() {
        let name = |query| {
            parse_query(query)
                .map(|(name, _)| name.into_owned())
                .map_err(|error| error.0)
        };
        assert_eq!(name("selector=foo"), Ok("foo".into()));
        assert_eq!(name("x=1&selector=a%20b%C3%BC"), Ok("a bü".into()));
        assert_eq!(name(""), Err(Rejection::MissingSelector));
        assert_eq!(name("Selector=foo"), Err(Rejection::MissingSelector));
        assert_eq!(name("selector"), Err(Rejection::EmptySelector));
        assert_eq!(name("selector="), Err(Rejection::EmptySelector));
        assert_eq!(
            name("selector=a&selector=a"),
            Err(Rejection::RepeatedSelector)
        );
        assert_eq!(
            name("selector=&selector=a"),
            Err(Rejection::RepeatedSelector)
        );
    }

    #[test]
    fn only_debug_true_requests_the_debug_text() {
        let form = |query| parse_query(query).map(|(_, form)| form);
        assert_eq!(form("selector=a"), Ok(ResponseForm::Body));
        assert_eq!(form("selector=a&debug=false"), Ok(ResponseForm::Body));
        assert_eq!(form("selector=a&debug"), Ok(ResponseForm::Body));
        assert_eq!(form("debug=true&selector=a"), Ok(ResponseForm::Debug));
        assert_eq!(form("selector=a&debug=true&x"), Ok(ResponseForm::Debug));
    }
}
