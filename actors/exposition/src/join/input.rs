//! The files that are joined, addressed as if they were one sequence of bytes.
//!
//! Joining must not need much more memory than the files have, so it stores the positions of lines, in 32 bits, and reads
//! the lines again where they are needed.

use super::format::FileFormat;
use crate::cursor::{Cursor, is_blank};
use crate::entry::{Entry, Label, Reader};
use crate::metric_type::Dialect;
use crate::openmetrics::OpenMetricsReader;
use crate::text::TextReader;

/// A position in the sequence of all files.
pub(super) type Position = u32;

/// The files, in their order.
pub(super) struct Input<'f> {
    files: &'f [(&'f str, &'f [u8])],
    /// The position at which each file starts.
    starts: Vec<u64>,
    dialect: Dialect,
}

/// A line that was read: its entry, and its bytes without NUL bytes at the ends.
pub(super) struct ReadLine<'f> {
    pub(super) file: usize,
    pub(super) position: Position,
    pub(super) entry: Entry<'f>,
    pub(super) bytes: &'f [u8],
}

/// A reader of any line of any file.
pub(super) struct LineReader<'i, 'f> {
    input: &'i Input<'f>,
    reader: Box<dyn Reader<'f> + 'f>,
}

impl<'f> Input<'f> {
    pub(super) fn new(files: &'f [(&'f str, &'f [u8])], format: FileFormat) -> Self {
        let mut end = 0;
        let starts = files.iter().map(|(_, body)| {
            let start = end;
            end += body.len() as u64;
            start
        });
        Self {
            files,
            starts: starts.collect(),
            dialect: format.dialect(),
        }
    }

    pub(super) const fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The name of a file.
    pub(super) fn name(&self, file: usize) -> &'f str {
        self.files.get(file).map_or("", |(name, _)| name)
    }

    pub(super) fn body(&self, file: usize) -> &'f [u8] {
        self.files.get(file).map_or(&[], |(_, body)| body)
    }

    /// Whether every position in a file fits in a [`Position`].
    pub(super) fn is_addressable(&self, file: usize) -> bool {
        let start = self.starts.get(file).copied().unwrap_or_default();
        start + self.body(file).len() as u64 <= u64::from(Position::MAX)
    }

    /// The file that contains `position`.
    pub(super) fn file(&self, position: Position) -> usize {
        let before = self
            .starts
            .partition_point(|start| *start <= u64::from(position));
        // Empty files start where the next one does, and contain no position.
        before.saturating_sub(1)
    }

    /// The bytes of the file from `position` on.
    pub(super) fn rest(&self, position: Position) -> &'f [u8] {
        let (body, at) = self.place(position);
        body.get(at..).unwrap_or_default()
    }

    /// The `length` bytes at `position`.
    pub(super) fn bytes(&self, position: Position, length: u32) -> &'f [u8] {
        self.rest(position)
            .get(..length as usize)
            .unwrap_or_default()
    }

    /// The position of `bytes`, which are part of a file.
    pub(super) fn position(&self, file: usize, bytes: &[u8]) -> Position {
        let start = self.body(file).as_ptr().addr();
        self.position_at(file, bytes.as_ptr().addr().saturating_sub(start))
    }

    /// The position of an offset in a file that is [addressable](Self::is_addressable).
    pub(super) fn position_at(&self, file: usize, offset: usize) -> Position {
        let start = self.starts.get(file).copied().unwrap_or_default();
        Position::try_from(start + offset as u64).unwrap_or(Position::MAX)
    }

    /// The series of a sample as written: its name and labels.
    pub(super) fn series(&self, line: &ReadLine<'f>) -> &'f [u8] {
        let (body, start) = self.place(line.position);
        match &line.entry {
            Entry::Sample(sample) => body.get(start..sample.value.start),
            _ => None,
        }
        .unwrap_or_default()
        .trim_ascii()
    }

    /// Whether the line at `position` is one of metadata.
    pub(super) fn is_metadata(&self, position: Position) -> bool {
        let rest = self.rest(position).iter();
        rest.copied().find(|byte| !is_blank(*byte) && *byte != 0) == Some(b'#')
    }

    pub(super) fn reader(&self) -> LineReader<'_, 'f> {
        LineReader {
            input: self,
            reader: new_reader(self.dialect),
        }
    }

    fn place(&self, position: Position) -> (&'f [u8], usize) {
        let file = self.file(position);
        let start = self.starts.get(file).copied().unwrap_or_default();
        let at = u64::from(position).saturating_sub(start);
        (self.body(file), usize::try_from(at).unwrap_or(usize::MAX))
    }
}

impl<'f> LineReader<'_, 'f> {
    /// Continues at the start of a file, also behind the end of another one.
    pub(super) fn begin(&mut self, file: usize) {
        self.reader = new_reader(self.input.dialect);
        *self.reader.cursor() = Cursor {
            body: self.input.body(file),
            at: 0,
        };
    }

    /// Reads the next line of `file` that is no comment; `None` at its end.
    pub(super) fn next(&mut self, file: usize) -> Option<ReadLine<'f>> {
        loop {
            let start = self.reader.at();
            let entry = self.reader.next().ok()??;
            if !matches!(entry, Entry::Comment) {
                return Some(self.line(file, start, entry));
            }
        }
    }

    /// Reads the line at `position` again.
    pub(super) fn read(&mut self, position: Position) -> Option<ReadLine<'f>> {
        let (body, at) = self.input.place(position);
        *self.reader.cursor() = Cursor { body, at };
        let entry = self.reader.next().ok()??;
        Some(self.line(self.input.file(position), at, entry))
    }

    /// The labels of the line that was read last.
    pub(super) fn labels(&self) -> &[Label<'f>] {
        self.reader.labels()
    }

    fn line(&self, file: usize, start: usize, entry: Entry<'f>) -> ReadLine<'f> {
        let bytes = self.input.body(file).get(start..self.reader.at());
        ReadLine {
            file,
            position: self.input.position_at(file, start),
            entry,
            bytes: without_outer_nuls(bytes.unwrap_or_default()),
        }
    }
}

fn new_reader<'f>(dialect: Dialect) -> Box<dyn Reader<'f> + 'f> {
    match dialect {
        Dialect::Text => Box::new(TextReader::new(&[])),
        Dialect::OpenMetrics => Box::new(OpenMetricsReader::new(&[])),
    }
}

/// Removes the NUL bytes at both ends of a line: Prometheus' lexer skips them after some lines and refuses them after
/// others, and joining changes the order of lines.
fn without_outer_nuls(line: &[u8]) -> &[u8] {
    let is_nul = |byte: &&u8| **byte == 0;
    let line = line.get(line.iter().take_while(is_nul).count()..);
    let line = line.unwrap_or_default();
    let behind = line.iter().rev().take_while(is_nul).count();
    line.get(..line.len() - behind).unwrap_or_default()
}
