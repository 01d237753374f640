//! Joins several files of one format into one body.
//!
//! Each family occurs once, under the first HELP, TYPE and UNIT that a file gives it, in the order in which families first
//! occur. A repeated series is left out and counted. A file or a family that conflicts with an earlier one is left out
//! entirely and reported. A single file passes byte for byte; with several, comments and blank lines are dropped.
//!
//! Needs less than four times the memory of the files, including the joined body: lines are remembered by position and
//! read again. Every table is made for the number of lines that were counted before, so none of them grows.

mod family;
mod format;
mod gather;
mod input;
mod left_out;
mod lines;
mod report;
mod rules;
mod seen;
mod series_rules;
#[cfg(test)]
mod tests;
mod types;
mod write;

use crate::detect::detect_format;
use crate::entry::Entry;
use crate::format::Format;
use format::{Counts, FileFormat, FileKind};
use gather::Gatherer;
use input::Input;
use left_out::Refusal;
pub use left_out::{Conflict, Duplicate};
use report::Report;
pub use rules::{JoinRules, Timestamps};
use types::Types;
use write::FamilyWriter;

/// The result of [`join`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// The joined body.
    pub body: Vec<u8>,
    /// Its format: that of most files; if there is a tie, that of the first.
    pub format: Format,
    /// The number of sample lines left out because an earlier file has their series.
    pub duplicates: usize,
    /// The series of these lines; at most 100 are listed.
    pub duplicate_series: Vec<Duplicate>,
    /// The files and families left out; at most 1000 are listed.
    pub conflicts: Vec<Conflict>,
}

/// Joins `files`, each a name and a body, in the given order. Empty bodies are ignored.
///
/// The names only serve to report conflicts and duplicates. A single file is neither checked nor changed. Files that
/// begin more than 4 GiB after the first are left out.
#[must_use]
pub fn join(files: &[(&str, &[u8])], rules: JoinRules) -> Joined {
    let mut with_bytes = files.iter().filter(|(_, body)| !body.is_empty());
    let first = with_bytes.next().or(files.first());
    if with_bytes.next().is_none() {
        let body = first.map_or(&[][..], |(_, body)| body);
        return Joined {
            body: body.to_vec(),
            format: detect_format(body, rules.format),
            duplicates: 0,
            duplicate_series: Vec::new(),
            conflicts: Vec::new(),
        };
    }
    let examine = |(_, body): &(&str, &[u8])| FileKind::of(body, rules.format);
    let mut kinds: Vec<FileKind> = files.iter().map(examine).collect();
    let format = format::decide(&mut kinds, rules.format);
    join_as(files, &kinds, format, rules.timestamps)
}

/// Joins the files that can be read as `format`.
fn join_as(
    files: &[(&str, &[u8])],
    kinds: &[FileKind],
    format: FileFormat,
    timestamps: Timestamps,
) -> Joined {
    let input = Input::new(files, format);
    let mut report = Report::new(&input);
    let (readable, counts) = readable_files(&input, kinds, format, &mut report);
    let types = collect_types(&input, &readable, counts.types, &mut report);
    let mut gatherer = Gatherer::new(&input, &types, counts.lines);
    for file in &readable {
        gatherer.add_file(*file);
    }
    let lines = gatherer.into_lines();
    // Each file can lack its last line feed.
    let size: usize = readable
        .iter()
        .map(|file| input.body(*file).len() + 1)
        .sum();
    let mut writer = FamilyWriter::new(&input, &types, &lines, timestamps, size + END.len());
    for first in lines.families() {
        writer.write(first, &mut report);
    }
    let mut body = writer.into_body();
    if format == FileFormat::OpenMetrics {
        body.extend_from_slice(END);
    }
    body.shrink_to_fit();
    Joined {
        body,
        format: format.format(),
        duplicates: report.duplicates,
        duplicate_series: report.duplicate_series,
        conflicts: report.conflicts,
    }
}

/// The last line of `OpenMetrics`.
const END: &[u8] = b"# EOF\n";

/// The files that can be read as `format`, and their counts together. The others are reported.
fn readable_files<'i, 'f>(
    input: &'i Input<'f>,
    kinds: &[FileKind],
    format: FileFormat,
    report: &mut Report<'i, 'f>,
) -> (Vec<usize>, Counts) {
    let representative = format::representative(kinds, format);
    let mut readable = Vec::new();
    let mut total = Counts::default();
    for (file, kind) in kinds.iter().enumerate() {
        let counts = kind.as_format(format, representative).and_then(|counts| {
            let fits = input.is_addressable(file);
            let message = "the files together exceed 4 GiB, which is the limit for joining";
            fits.then_some(counts)
                .ok_or_else(|| Refusal::faulty(message.to_owned()))
        });
        match counts {
            Ok(counts) => {
                readable.push(file);
                total.lines += counts.lines;
                total.types += counts.types;
            }
            Err(refusal) => report.conflict(file, b"", refusal),
        }
    }
    (readable, total)
}

/// Collects the types that the files declare, of at most `count` families. Conflicts are reported.
fn collect_types<'i, 'f>(
    input: &'i Input<'f>,
    files: &[usize],
    count: usize,
    report: &mut Report<'i, 'f>,
) -> Types<'i, 'f> {
    let mut types = Types::new(input, count);
    let mut reader = input.reader();
    for file in files {
        reader.begin(*file);
        while let Some(line) = reader.next(*file) {
            let Entry::Type(name, metric_type) = line.entry else {
                continue;
            };
            if let Some(conflict) = types.declare(*file, name.text, metric_type) {
                let (here, there) = (conflict.here.name(), conflict.there.name());
                let refusal = Refusal {
                    because_of: Some(conflict.owner as usize),
                    message: format!("its type is {here} here and {there} there"),
                };
                report.conflict(*file, name.text, refusal);
            }
        }
        types.end_file();
    }
    types
}
