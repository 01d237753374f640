//! The summary of an accepted body.

use crate::format::Format;

/// The contents of an accepted body, in numbers.
///
/// [`Check::Whole`](crate::Check::Whole) and [`Check::None`](crate::Check::None) read no samples, so everything that
/// depends on them is zero, `None` or `false`; [`summarize`](crate::summarize) fills it in for such a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The format.
    pub format: Format,
    /// The number of sample lines; in protobuf, of `Metric` messages.
    pub samples: usize,
    /// The number of families with metadata; consecutive HELP, TYPE and UNIT lines of one family count once.
    pub families: usize,
    /// The number of exemplars.
    pub exemplars: usize,
    /// The newest timestamp of a sample, in milliseconds since the epoch.
    pub newest_timestamp_ms: Option<i64>,
    /// Whether a name needs UTF-8 support in the scraper, such as `my.name`.
    pub needs_utf8: bool,
    /// Whether a name is written in quotes, which version 0.0.4 of the text format does not allow.
    pub quoted_names: bool,
    /// Whether the final line feed is missing and was tolerated.
    pub missing_final_newline: bool,
}

impl Summary {
    /// The summary of a body without samples.
    pub(crate) const fn new(format: Format) -> Self {
        Self {
            format,
            samples: 0,
            families: 0,
            exemplars: 0,
            newest_timestamp_ms: None,
            needs_utf8: false,
            quoted_names: false,
            missing_final_newline: false,
        }
    }

    /// The Content-Type to serve the body with.
    #[must_use]
    pub const fn content_type(&self) -> &'static str {
        let quoted = matches!(self.format, Format::Text) && self.quoted_names;
        self.format.content_type(self.needs_utf8 || quoted)
    }
}
