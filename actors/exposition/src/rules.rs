//! The rules for a check: its level, the expected format, and two tolerances.

/// How much of a body is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Check {
    /// Accepts a body if Prometheus ingests it completely.
    #[default]
    Ingest,
    /// In addition to [`Check::Ingest`], enforces the specification of the format.
    Strict,
    /// Accepts a body if it is complete: not empty and not cut off. Its lines are not read.
    Whole,
    /// Accepts every body.
    None,
}

impl Check {
    /// Whether this level reads every line, or in protobuf every field.
    #[must_use]
    pub const fn reads_samples(self) -> bool {
        matches!(self, Self::Ingest | Self::Strict)
    }
}

/// The format that a body is read as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FormatChoice {
    /// Detected from the bytes.
    #[default]
    Auto,
    /// Prometheus text.
    Text,
    /// `OpenMetrics` text.
    OpenMetrics,
    /// Delimited protobuf.
    Protobuf,
}

/// Whether a body in the text format must end with a line feed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FinalNewline {
    /// A body without one is [truncated](crate::FaultKind::Truncated).
    #[default]
    Required,
    /// One missing line feed is tolerated and reported in [`Summary::missing_final_newline`].
    ///
    /// Meant for files, which people write by hand. A cut within the last number goes undetected.
    ///
    /// [`Summary::missing_final_newline`]: crate::Summary::missing_final_newline
    MayBeMissing,
}

/// The rules for a check.
///
/// The default is [`Check::Ingest`] with a detected format; an empty body is an error and the final newline required.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rules {
    /// How much is checked.
    pub check: Check,
    /// The expected format.
    pub format: FormatChoice,
    /// Whether a body of zero bytes passes.
    pub allow_empty: bool,
    /// Whether a body in the text format must end with a line feed.
    pub final_newline: FinalNewline,
}
