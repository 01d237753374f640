//! The formats and their Content-Types.

use crate::rules::FormatChoice;

/// The format of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Prometheus text, 0.0.4 and 1.0.0.
    Text,
    /// `OpenMetrics` 1.0 text.
    OpenMetrics,
    /// `io.prometheus.client.MetricFamily` messages, each preceded by its length.
    Protobuf,
}

impl Format {
    /// A lower-case word for the format: `text`, `openmetrics` or `protobuf`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::OpenMetrics => "openmetrics",
            Self::Protobuf => "protobuf",
        }
    }

    /// The choice that reads a body as this format.
    #[must_use]
    pub const fn choice(self) -> FormatChoice {
        match self {
            Self::Text => FormatChoice::Text,
            Self::OpenMetrics => FormatChoice::OpenMetrics,
            Self::Protobuf => FormatChoice::Protobuf,
        }
    }

    /// The Content-Type of a body in this format; `utf8_names` if it contains names in quotes.
    ///
    /// The text format knows such names since version 1.0.0.
    #[must_use]
    pub const fn content_type(self, utf8_names: bool) -> &'static str {
        match (self, utf8_names) {
            (Self::Text, false) => "text/plain; version=0.0.4; charset=utf-8",
            (Self::Text, true) => "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
            (Self::OpenMetrics, false) => {
                "application/openmetrics-text; version=1.0.0; charset=utf-8"
            }
            (Self::OpenMetrics, true) => {
                "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8"
            }
            (Self::Protobuf, _) => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            }
        }
    }
}
