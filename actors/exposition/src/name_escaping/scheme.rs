//! The escaping schemes, applied to one name.
//!
//! Source: `EscapeName` of `model/metric.go` in `prometheus/common`. Its documentation differs from the code for `dots`;
//! this follows the code.

use crate::format::Format;
use crate::names::{continues_name, is_legacy_metric_name, starts_name};
use std::borrow::Cow;
use std::fmt::Write;

/// How names are written that are valid only in quotes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EscapingScheme {
    /// Each other character becomes `_`. Prometheus' default.
    #[default]
    Underscores,
    /// A dot becomes `_dot_`, each other character `__`, and `_` becomes `__`.
    Dots,
    /// The name gets the prefix `U__`, each other character becomes its code point between underscores, and `_` becomes
    /// `__`.
    Values,
}

impl EscapingScheme {
    /// All schemes.
    pub const ALL: [Self; 3] = [Self::Underscores, Self::Dots, Self::Values];

    /// The value of the parameter `escaping` in `Accept` and `Content-Type`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Underscores => "underscores",
            Self::Dots => "dots",
            Self::Values => "values",
        }
    }

    /// The scheme of a parameter `escaping`; `None` for `allow-utf-8` and unknown ones.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.name() == name)
    }

    /// The Content-Type of a body in this scheme. Names in protobuf are never escaped.
    #[must_use]
    pub const fn content_type(self, format: Format) -> &'static str {
        match (format, self) {
            (Format::Text, Self::Underscores) => {
                "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
            }
            (Format::Text, Self::Dots) => "text/plain; version=0.0.4; charset=utf-8; escaping=dots",
            (Format::Text, Self::Values) => {
                "text/plain; version=0.0.4; charset=utf-8; escaping=values"
            }
            (Format::OpenMetrics, Self::Underscores) => {
                "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"
            }
            (Format::OpenMetrics, Self::Dots) => {
                "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=dots"
            }
            (Format::OpenMetrics, Self::Values) => {
                "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=values"
            }
            (Format::Protobuf, _) => format.content_type(true),
        }
    }

    /// The name of a metric in this scheme. Names that need no quotes stay in every scheme.
    #[must_use]
    pub fn escape(self, name: &str) -> Cow<'_, str> {
        if name.is_empty() || is_legacy_metric_name(name.as_bytes()) {
            return Cow::Borrowed(name);
        }
        let mut escaped = String::with_capacity(name.len() + 8);
        if self == Self::Values {
            escaped.push_str("U__");
        }
        for (at, character) in name.char_indices() {
            self.push(&mut escaped, at, character);
        }
        Cow::Owned(escaped)
    }

    /// The name of a label in this scheme. The rules of [`escape`](Self::escape), and a colon becomes `_`.
    #[must_use]
    pub fn escape_label(self, name: &str) -> Cow<'_, str> {
        let escaped = self.escape(name);
        if escaped.contains(':') {
            return Cow::Owned(escaped.replace(':', "_"));
        }
        escaped
    }

    fn push(self, escaped: &mut String, at: usize, character: char) {
        let is_valid = u8::try_from(character).is_ok_and(|byte| match at {
            0 => starts_name(byte),
            _ => continues_name(byte),
        });
        match (self, character) {
            (Self::Dots | Self::Values, '_') => escaped.push_str("__"),
            _ if is_valid => escaped.push(character),
            (Self::Underscores, _) => escaped.push('_'),
            (Self::Dots, '.') => escaped.push_str("_dot_"),
            (Self::Dots, _) => escaped.push_str("__"),
            (Self::Values, _) => {
                // Writing to a string does not fail.
                let _ = write!(escaped, "_{:x}_", u32::from(character));
            }
        }
    }
}
