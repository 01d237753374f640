//! Joins several files of one format into one valid exposition.
//!
//! Each family comes once, under the first HELP, TYPE and UNIT that a file gives it, in the order families are met; a
//! series that comes again is left out and counted. What cannot be joined is left out whole and told, file by file. One
//! file alone passes byte for byte. With several, comments and blank lines go.

mod gather;
#[cfg(test)]
mod tests;

use super::entry::{Dialect, Kind, Reader};
use super::openmetrics::OpenMetricsReader;
use super::text::TextReader;
use super::{Format, FormatChoice, detect};
use std::collections::HashMap;

/// The most conflicts that are told; what is left out beyond is left out all the same.
const MOST_CONFLICTS: usize = 1000;

/// What came of joining.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// The exposition.
    pub body: Vec<u8>,
    /// Its format: that of most files, or of the first where there are as many of each.
    pub format: Format,
    /// Sample lines left out because an earlier file has their series.
    pub duplicates: usize,
    /// What else was left out.
    pub conflicts: Vec<Conflict>,
}

/// A file, or a family of it, that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The file it was left out of.
    pub dropped: String,
    /// The file it disagrees with; empty where the file cannot be read by itself.
    pub kept: String,
    /// The family; empty where the whole file was left out.
    pub family: String,
    /// What is wrong.
    pub message: String,
}

/// A family as gathered from all files.
#[derive(Debug, Default)]
struct Family {
    metadata: [Vec<u8>; 3],
    kind: Option<(Kind, usize)>,
    samples: Vec<u8>,
}

struct Join<'f> {
    files: &'f [(&'f str, &'f [u8])],
    dialect: Dialect,
    order: Vec<Vec<u8>>,
    families: HashMap<Vec<u8>, Family>,
    /// The file that first had a series, or the whole of a histogram or summary.
    owners: HashMap<Vec<u8>, usize>,
    /// Families left out of a file, and the type they have there.
    dropped: HashMap<(usize, Vec<u8>), Kind>,
    duplicates: usize,
    conflicts: Vec<Conflict>,
}

/// Joins `files`, each a name and its bytes, in the order given.
#[must_use]
pub fn join(files: &[(&str, &[u8])], format: FormatChoice) -> Joined {
    let formats: Vec<Format> = files
        .iter()
        .map(|(_, body)| detect::detect_format(body, format))
        .collect();
    let full = || {
        let with_bytes = files.iter().enumerate();
        with_bytes.filter(|(_, (_, body))| !body.is_empty())
    };
    let first = full().next().map_or(0, |(index, _)| index);
    let of = |index: usize| formats.get(index).copied().unwrap_or(Format::Text);
    // One file that was cut, and so lost its `# EOF`, must not make strangers of all others.
    let counts = |format| full().filter(|(index, _)| of(*index) == format).count();
    let leading = full().map(|(index, _)| of(index)).rev();
    let format = leading
        .max_by_key(|format| counts(*format))
        .unwrap_or(of(first));
    let representative = full().find(|(index, _)| of(*index) == format);
    let representative = representative.map_or(first, |(index, _)| index);
    if full().nth(1).is_none() {
        let body = files.get(first).map_or(&[][..], |(_, body)| body).to_vec();
        return Joined {
            body,
            format,
            duplicates: 0,
            conflicts: Vec::new(),
        };
    }
    let dialect = if format == Format::OpenMetrics {
        Dialect::OpenMetrics
    } else {
        Dialect::Text
    };
    let mut join = Join::new(files, dialect);
    let mut readable = Vec::new();
    for (index, own) in formats.iter().enumerate() {
        if join.body(index).is_empty() {
            continue;
        }
        let unfit = match own {
            Format::Protobuf => Some((index, "protobuf files cannot be joined".to_owned())),
            _ if *own != format => Some((
                representative,
                format!("the file is {}, most are {}", own.name(), format.name()),
            )),
            Format::Text | Format::OpenMetrics => {
                join.announce(index).err().map(|message| (index, message))
            }
        };
        match unfit {
            None => readable.push(index),
            Some((kept, message)) => join.conflict(index, kept, b"", message),
        }
    }
    for index in readable {
        join.add(index);
    }
    join.finish(format)
}

impl<'f> Join<'f> {
    fn new(files: &'f [(&'f str, &'f [u8])], dialect: Dialect) -> Self {
        let (order, families, owners) = (Vec::new(), HashMap::new(), HashMap::new());
        Self {
            files,
            dialect,
            order,
            families,
            owners,
            dropped: HashMap::new(),
            duplicates: 0,
            conflicts: Vec::new(),
        }
    }

    fn name(&self, index: usize) -> &'f str {
        self.files.get(index).map_or("", |(name, _)| name)
    }

    fn body(&self, index: usize) -> &'f [u8] {
        self.files.get(index).map_or(&[], |(_, body)| body)
    }

    fn reader(&self, index: usize) -> Box<dyn Reader<'f> + 'f> {
        match self.dialect {
            Dialect::Text => Box::new(TextReader::new(self.body(index))),
            Dialect::OpenMetrics => Box::new(OpenMetricsReader::new(self.body(index))),
        }
    }

    /// Notes what was left out; no more of it than somebody would read.
    fn conflict(&mut self, dropped: usize, kept: usize, family: &[u8], message: String) {
        if self.conflicts.len() >= MOST_CONFLICTS {
            return;
        }
        let kept = if dropped == kept { "" } else { self.name(kept) }.to_owned();
        let dropped = self.name(dropped).to_owned();
        self.conflicts.push(Conflict {
            dropped,
            kept,
            family: super::fault::shown(family),
            message,
        });
    }

    fn finish(self, format: Format) -> Joined {
        let mut body = Vec::new();
        for family in self.order.iter().filter_map(|name| self.families.get(name)) {
            family
                .metadata
                .iter()
                .for_each(|line| body.extend_from_slice(line));
            body.extend_from_slice(&family.samples);
        }
        if format == Format::OpenMetrics {
            body.extend_from_slice(b"# EOF\n");
        }
        Joined {
            body,
            format,
            duplicates: self.duplicates,
            conflicts: self.conflicts,
        }
    }
}
