//! What is left out of a joined body: conflicts and duplicates.

/// A file, or a family of a file, that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The name of the file that it was left out of.
    pub dropped: String,
    /// The name of the file that it conflicts with; empty if the file is faulty.
    pub kept: String,
    /// The name of the family, escaped and shortened to 60 bytes; empty if the entire file was left out.
    pub family: String,
    /// The cause.
    pub message: String,
}

/// A sample line that was left out because another one has its series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duplicate {
    /// The name of the file that it was left out of.
    pub dropped: String,
    /// The name of the file that has the series; the same if the file repeats it.
    pub kept: String,
    /// The name and the labels as written, without control characters and shortened to about 60 characters.
    pub series: String,
}

/// Why a file, or a family of it, is left out.
pub(super) struct Refusal {
    /// The file that it conflicts with; `None` if the file itself is faulty.
    pub(super) because_of: Option<usize>,
    pub(super) message: String,
}

impl Refusal {
    pub(super) const fn faulty(message: String) -> Self {
        Self {
            because_of: None,
            message,
        }
    }
}
