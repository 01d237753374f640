//! A body with names without quotes, for scrapers that do not support quoted names.
//!
//! Computed on demand, once for all scrapers that use the same scheme. The latest scheme is kept
//! beside the body; one site usually uses a single one.

use crate::blocking::BlockingPool;
use crate::lock::lock;
use bytes::Bytes;
use local_exporter_exposition::{EscapingScheme, Format, escape_names};
use std::sync::{Arc, Mutex};
use tokio::sync::{OnceCell, Semaphore};

/// Larger bodies, in bytes, are converted on the blocking pool: conversion takes up to 20 ms per
/// MiB.
const MAX_INLINE: usize = 64 * 1024;

/// A converted body that exceeds the body by more than this part of it is not kept, but computed
/// again for each scrape: what is derived from a body may take at most four times `max_bytes`.
const MAX_KEPT_GROWTH: usize = 4;

/// A converted body.
#[derive(Clone, Debug)]
pub(crate) struct EscapedBody {
    pub(crate) body: Bytes,
    /// The compressed body, as for the original.
    pub(crate) compressed: Arc<OnceCell<Bytes>>,
}

/// The converted body, or why the body cannot be converted.
type Conversion = Result<EscapedBody, String>;

/// The converted form of one body.
#[derive(Debug)]
pub(crate) struct EscapedForm {
    latest: Mutex<Option<(EscapingScheme, Conversion)>>,
    /// One conversion at a time. It continues after its scrape has timed out, and others must not
    /// accumulate behind it.
    slot: Arc<Semaphore>,
}

impl Default for EscapedForm {
    fn default() -> Self {
        Self {
            latest: Mutex::default(),
            slot: Arc::new(Semaphore::new(1)),
        }
    }
}

impl EscapedForm {
    /// The converted form of `body`, which must be the same at each call.
    ///
    /// # Errors
    /// Why the body cannot be converted, as a phrase.
    pub(crate) async fn of(
        self: &Arc<Self>,
        body: &Bytes,
        format: Format,
        scheme: EscapingScheme,
        blocking: &BlockingPool,
    ) -> Conversion {
        if let Some(known) = self.known(scheme) {
            return known;
        }
        let slot = Arc::clone(&self.slot).acquire_owned().await;
        if let Some(known) = self.known(scheme) {
            return known;
        }
        if body.len() <= MAX_INLINE {
            return self.convert(body, format, scheme);
        }
        let (this, body) = (Arc::clone(self), body.clone());
        let converting = blocking.spawn(move || {
            let converted = this.convert(&body, format, scheme);
            drop(slot);
            converted
        });
        converting
            .await
            .unwrap_or_else(|error| Err(error.to_string()))
    }

    fn known(&self, scheme: EscapingScheme) -> Option<Conversion> {
        let latest = lock(&self.latest);
        let (_, known) = latest.as_ref().filter(|(known, _)| *known == scheme)?;
        Some(known.clone())
    }

    fn convert(&self, body: &Bytes, format: Format, scheme: EscapingScheme) -> Conversion {
        let converted = escape_names(body, format, scheme);
        let converted = converted.map_err(|error| error.to_string());
        let converted = converted.map(|mut escaped| {
            escaped.shrink_to_fit();
            EscapedBody {
                body: escaped.into(),
                compressed: Arc::default(),
            }
        });
        let size = converted.as_ref().map_or(0, |escaped| escaped.body.len());
        if size <= body.len() + body.len() / MAX_KEPT_GROWTH {
            let before = lock(&self.latest).replace((scheme, converted.clone()));
            drop(before);
        }
        converted
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
    use super::*;

    async fn convert(form: &Arc<EscapedForm>, body: &Bytes, scheme: EscapingScheme) -> Bytes {
        let pool = BlockingPool::start().unwrap();
        let converted = form.of(body, Format::Text, scheme, &pool).await;
        converted.unwrap().body
    }

    #[tokio::test]
    async fn a_body_is_converted_once_for_all_scrapers() {
        let line = "{\"http.requests\",code=\"200\"} 1\n";
        for repetitions in [1, 10_000] {
            let body = Bytes::from(line.repeat(repetitions));
            let form = Arc::new(EscapedForm::default());
            let (first, second) = tokio::join!(
                convert(&form, &body, EscapingScheme::Underscores),
                convert(&form, &body, EscapingScheme::Underscores)
            );
            assert_eq!(first.as_ptr(), second.as_ptr(), "converted twice");
            assert!(first.starts_with(b"http_requests{code=\"200\"} 1\n"));
            let other = convert(&form, &body, EscapingScheme::Dots).await;
            assert!(other.starts_with(b"http_dot_requests{"));
        }
    }

    #[tokio::test]
    async fn the_error_names_both_names_of_a_collision() {
        let form = Arc::new(EscapedForm::default());
        let body = Bytes::from_static(b"{\"a.b\"} 1\na_b 1\n");
        let pool = BlockingPool::start().unwrap();
        let converted = form.of(&body, Format::Text, EscapingScheme::Underscores, &pool);
        let error = converted.await.unwrap_err();
        assert_eq!(error, "the names `a.b` and `a_b` would both become `a_b`");
    }

    #[tokio::test]
    async fn a_form_that_is_much_larger_than_its_body_is_not_kept() {
        let form = Arc::new(EscapedForm::default());
        let body = Bytes::from_static(b"{\".........................\"} 1\n");
        let first = convert(&form, &body, EscapingScheme::Dots).await;
        let second = convert(&form, &body, EscapingScheme::Dots).await;
        assert_eq!(first, second);
        assert_ne!(first.as_ptr(), second.as_ptr());
    }
}
