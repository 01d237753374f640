//! The format in which several files are joined.
//!
//! Only files that are valid in their format count: a file that was cut off has lost its `# EOF` and looks like text,
//! which must not exclude all the others.

use super::left_out::Refusal;
use crate::detect::{self, Suitability};
use crate::entry::{Entry, Reader};
use crate::format::Format;
use crate::metric_type::Dialect;
use crate::openmetrics::OpenMetricsReader;
use crate::rules::FormatChoice;
use crate::text::TextReader;
use std::cmp::Ordering;

/// A format whose files can be joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileFormat {
    Text,
    OpenMetrics,
}

impl FileFormat {
    pub(super) const fn dialect(self) -> Dialect {
        match self {
            Self::Text => Dialect::Text,
            Self::OpenMetrics => Dialect::OpenMetrics,
        }
    }

    pub(super) const fn format(self) -> Format {
        match self {
            Self::Text => Format::Text,
            Self::OpenMetrics => Format::OpenMetrics,
        }
    }
}

/// The lines of a valid file.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    /// Lines of samples and metadata.
    pub(super) lines: usize,
    /// TYPE lines.
    pub(super) types: usize,
}

/// What a file can be read as.
#[derive(Clone, Debug)]
pub(super) enum FileKind {
    /// It has no bytes.
    Empty,
    /// It is valid in this format, which it was detected to have.
    Valid(FileFormat, Counts),
    /// It was detected to be `OpenMetrics`, and means the same as text.
    Either(Counts),
    /// It cannot be joined, for this reason.
    Unusable(String),
}

impl FileKind {
    /// Examines a file.
    pub(super) fn of(body: &[u8], choice: FormatChoice) -> Self {
        if body.is_empty() {
            return Self::Empty;
        }
        let (format, counts) = match detect::detect_format(body, choice) {
            Format::Protobuf => {
                return Self::Unusable("protobuf files cannot be joined".to_owned());
            }
            Format::Text => (FileFormat::Text, count(body, TextReader::new(body))),
            Format::OpenMetrics => {
                let counts = count(body, OpenMetricsReader::new(body));
                (FileFormat::OpenMetrics, counts)
            }
        };
        match counts {
            Err(message) => Self::Unusable(message),
            Ok(counts)
                if choice == FormatChoice::Auto
                    && format == FileFormat::OpenMetrics
                    && detect::as_text(body) == Suitability::SameMeaning =>
            {
                Self::Either(counts)
            }
            Ok(counts) => Self::Valid(format, counts),
        }
    }

    /// The counts of a file that is joined as `format`; otherwise why it is not, `most` being a file that is.
    pub(super) fn as_format(&self, format: FileFormat, most: usize) -> Result<Counts, Refusal> {
        let own = match self {
            Self::Empty => return Ok(Counts::default()),
            Self::Unusable(message) => return Err(Refusal::faulty(message.clone())),
            Self::Valid(own, counts) if *own == format => return Ok(*counts),
            Self::Valid(own, _) => own.format().name(),
            Self::Either(_) => FileFormat::OpenMetrics.format().name(),
        };
        let most_are = format.format().name();
        Err(Refusal {
            because_of: Some(most),
            message: format!("the file is {own}, most are {most_are}"),
        })
    }

    /// The format that a valid file was detected to have.
    const fn format(&self) -> Option<FileFormat> {
        match self {
            Self::Valid(format, _) => Some(*format),
            Self::Either(_) => Some(FileFormat::OpenMetrics),
            Self::Empty | Self::Unusable(_) => None,
        }
    }

    fn is_valid_as(&self, format: FileFormat) -> bool {
        self.format() == Some(format)
    }
}

fn count<'a>(body: &'a [u8], mut reader: impl Reader<'a>) -> Result<Counts, String> {
    let mut counts = Counts::default();
    loop {
        match reader.next() {
            Ok(None) => return Ok(counts),
            Ok(Some(Entry::Comment)) => {}
            Ok(Some(entry)) => {
                counts.lines += 1;
                counts.types += usize::from(matches!(entry, Entry::Type(..)));
            }
            Err(fault) => return Err(fault.into_fault(body).to_string()),
        }
    }
}

/// Decides the format: the chosen one, or that of most of the valid files.
///
/// In a tie, files that can be read as either are read as what the others are; if there are none, the first file decides.
/// Afterwards no kind is [`FileKind::Either`].
pub(super) fn decide(kinds: &mut [FileKind], choice: FormatChoice) -> FileFormat {
    let count = |format| kinds.iter().filter(|kind| kind.is_valid_as(format)).count();
    let has_either = kinds.iter().any(|kind| matches!(kind, FileKind::Either(_)));
    let first = kinds.iter().find_map(FileKind::format);
    let order = count(FileFormat::Text).cmp(&count(FileFormat::OpenMetrics));
    let format = match (choice, order) {
        (FormatChoice::Text, _) | (_, Ordering::Greater) => FileFormat::Text,
        (FormatChoice::OpenMetrics, _) | (_, Ordering::Less) => FileFormat::OpenMetrics,
        (_, Ordering::Equal) if has_either => FileFormat::Text,
        (_, Ordering::Equal) => first.unwrap_or(FileFormat::Text),
    };
    let either = match order {
        Ordering::Equal => format,
        _ => FileFormat::OpenMetrics,
    };
    for kind in kinds {
        if let FileKind::Either(counts) = *kind {
            *kind = FileKind::Valid(either, counts);
        }
    }
    format
}

/// The first file that is valid as `format`.
pub(super) fn representative(kinds: &[FileKind], format: FileFormat) -> usize {
    let valid = kinds.iter().position(|kind| kind.is_valid_as(format));
    valid.unwrap_or_default()
}
