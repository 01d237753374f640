//! The rules for joining.

use crate::rules::FormatChoice;

/// How files are joined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JoinRules {
    /// The format of the files.
    pub format: FormatChoice,
    /// Whether the timestamps of the samples are kept.
    pub timestamps: Timestamps,
}

/// Whether the timestamps of joined samples are kept, which decides whether text samples that differ only in them are
/// duplicates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Timestamps {
    /// They are kept: the samples are different ones.
    #[default]
    Kept,
    /// They are [stripped](crate::strip_timestamps) afterwards: all but the first sample are duplicates.
    Stripped,
}
