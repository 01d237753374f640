//! What a reader of either text format yields: one entry per line of meaning.
//!
//! Entries borrow from the body; labels stand in a list that the reader uses again for every sample.

use super::cursor::Cursor;
use super::fault::RawFault;
use std::ops::Range;

/// The text formats, where their rules differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Text,
    OpenMetrics,
}

/// The type a family is announced with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
    GaugeHistogram,
    Summary,
    Info,
    StateSet,
    Unknown,
}

impl Kind {
    /// What it is called in a TYPE line; text says `untyped` where this says `unknown`.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::GaugeHistogram => "gaugehistogram",
            Self::Summary => "summary",
            Self::Info => "info",
            Self::StateSet => "stateset",
            Self::Unknown => "unknown",
        }
    }
}

/// A name, without its quotes where it has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name<'a> {
    pub(super) text: &'a [u8],
    pub(super) quoted: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Label<'a> {
    pub(super) name: Name<'a>,
    pub(super) value: &'a [u8],
}

#[derive(Clone, Debug)]
pub(super) struct Sample<'a> {
    pub(super) name: Name<'a>,
    pub(super) value: Range<usize>,
    /// Where the timestamp stands, and what it is in milliseconds.
    pub(super) timestamp: Option<(Range<usize>, i64)>,
    pub(super) exemplar: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Entry<'a> {
    /// A blank line or a comment.
    Comment,
    Help(Name<'a>),
    Type(Name<'a>, Kind),
    Unit(Name<'a>),
    Sample(Sample<'a>),
}

impl<'a> Entry<'a> {
    pub(super) fn name(&self) -> Option<Name<'a>> {
        match self {
            Self::Comment => None,
            Self::Help(name) | Self::Type(name, _) | Self::Unit(name) => Some(*name),
            Self::Sample(sample) => Some(sample.name),
        }
    }
}

/// A departure from the specification that Prometheus lets pass.
pub(super) type Deviation = (usize, &'static str);

/// A reader of one of the text formats.
pub(super) trait Reader<'a> {
    /// The next entry; nothing at the end.
    fn next(&mut self) -> Result<Option<Entry<'a>>, RawFault>;
    /// Where the next entry starts.
    fn at(&self) -> usize;
    /// The place it reads at.
    fn cursor(&mut self) -> &mut Cursor<'a>;
    /// Goes on at `at`, the start of a line.
    fn jump(&mut self, at: usize) {
        self.cursor().at = at;
    }
    /// Goes on with the line after `at`.
    fn resume_after(&mut self, at: usize) {
        self.jump(at);
        self.cursor().skip_line();
    }
    /// The labels of the sample just read.
    fn labels(&self) -> &[Label<'a>];
    /// The labels of its exemplar.
    fn exemplar(&self) -> &[Label<'a>];
    /// What the entry just read has that the specification forbids.
    fn deviation(&self) -> Option<Deviation>;
}

/// What stands between the quotes, with its escapes resolved as Prometheus does: `\\`, `\"` and `\n`.
pub(super) fn unescaped(text: &[u8]) -> impl Iterator<Item = u8> {
    let mut bytes = text.iter().copied().peekable();
    std::iter::from_fn(move || {
        let byte = bytes.next()?;
        if byte != b'\\' {
            return Some(byte);
        }
        let escaped = bytes.next_if(|next| matches!(next, b'\\' | b'"' | b'n'));
        Some(escaped.map_or(b'\\', |next| if next == b'n' { b'\n' } else { next }))
    })
}

#[cfg(test)]
mod tests {
    use super::unescaped;

    #[test]
    fn three_escapes_are_known() {
        let text: Vec<u8> = unescaped(br#"a\\\"\n\z\"#).collect();
        assert_eq!(text, b"a\\\"\n\\z\\");
    }
}
