//! The entries that a reader yields, and the trait of the readers of text and `OpenMetrics`. Protobuf is checked without entries.
//!
//! Entries borrow from the body. A reader keeps the labels of the current sample in one list, which it reuses.

use crate::cursor::Cursor;
use crate::fault::RawFault;
use crate::metric_type::MetricType;
use std::ops::Range;

/// A metric or label name, without its quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Name<'a> {
    pub(crate) text: &'a [u8],
    /// Whether it is written in quotes.
    pub(crate) quoted: bool,
}

/// A label, its value as written between the quotes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Label<'a> {
    pub(crate) name: Name<'a>,
    pub(crate) value: &'a [u8],
}

/// A sample without its labels, which the reader has.
#[derive(Clone, Debug)]
pub(crate) struct Sample<'a> {
    pub(crate) name: Name<'a>,
    /// The position of the value in the body.
    pub(crate) value: Range<usize>,
    /// The position of the timestamp in the body, and the timestamp in milliseconds.
    pub(crate) timestamp: Option<(Range<usize>, i64)>,
    pub(crate) exemplar: bool,
}

/// One line of a body; a quoted string may continue it over several.
#[derive(Clone, Debug)]
pub(crate) enum Entry<'a> {
    /// A blank line or a comment.
    Comment,
    Help(Name<'a>),
    Type(Name<'a>, MetricType),
    Unit(Name<'a>),
    Sample(Sample<'a>),
}

impl<'a> Entry<'a> {
    /// The name of the family or of the sample.
    pub(crate) fn name(&self) -> Option<Name<'a>> {
        match self {
            Self::Comment => None,
            Self::Help(name) | Self::Type(name, _) | Self::Unit(name) => Some(*name),
            Self::Sample(sample) => Some(sample.name),
        }
    }
}

/// A deviation from the specification that Prometheus tolerates: its offset and a message.
pub(crate) type Deviation = (usize, &'static str);

/// A reader of one of the text-based formats.
pub(crate) trait Reader<'a> {
    /// Reads the next entry; `None` at the end of the body.
    fn next(&mut self) -> Result<Option<Entry<'a>>, RawFault>;
    /// The offset at which the next entry starts.
    fn at(&self) -> usize;
    /// The cursor, to continue elsewhere.
    fn cursor(&mut self) -> &mut Cursor<'a>;
    /// Continues at `at`, which must be the start of a line.
    fn jump(&mut self, at: usize) {
        self.cursor().at = at;
    }
    /// Continues with the line after `at`.
    fn resume_after(&mut self, at: usize) {
        self.jump(at);
        self.cursor().skip_line();
    }
    /// The labels of the last sample.
    fn labels(&self) -> &[Label<'a>];
    /// The labels of the last sample's exemplar.
    fn exemplar(&self) -> &[Label<'a>];
    /// The first deviation of the last entry from the specification.
    fn deviation(&self) -> Option<Deviation>;
}
