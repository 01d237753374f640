//! Joins several files of one format into one body.
//!
//! Each family occurs once, under the first HELP, TYPE and UNIT that a file gives it, in the order in which families first
//! occur. A repeated series is left out and counted. A file or a family that conflicts with an earlier one is left out
//! entirely and reported. A single file passes byte for byte; with several, comments and blank lines are dropped.

mod format;
mod gather;
#[cfg(test)]
mod tests;

use crate::detect::detect_format;
use crate::entry::Reader;
use crate::fault::shown;
use crate::format::Format;
use crate::metric_type::{Dialect, MetricType};
use crate::openmetrics::OpenMetricsReader;
use crate::rules::FormatChoice;
use crate::text::TextReader;
use format::MajorityFormat;
use std::collections::HashMap;

/// The maximum number of conflicts in [`Joined::conflicts`].
const MAX_CONFLICTS: usize = 1000;

/// The result of [`join`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// The joined body.
    pub body: Vec<u8>,
    /// Its format: that of most files; if there is a tie, that of the first.
    pub format: Format,
    /// The number of sample lines left out because an earlier file has their series.
    pub duplicates: usize,
    /// The files and families left out; at most 1000 are listed.
    pub conflicts: Vec<Conflict>,
}

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

/// A family, gathered from all files.
#[derive(Debug, Default)]
struct Family {
    /// The lines HELP, TYPE and UNIT; empty if there is none.
    metadata: [Vec<u8>; 3],
    /// The type, and the index of the file that it comes from.
    metric_type: Option<(MetricType, usize)>,
    /// The sample lines.
    samples: Vec<u8>,
}

/// The state of joining. Files are referred to by their indexes.
struct Join<'f> {
    files: &'f [(&'f str, &'f [u8])],
    dialect: Dialect,
    /// The names of the families in the order of their first lines.
    order: Vec<Vec<u8>>,
    families: HashMap<Vec<u8>, Family>,
    /// The first file with each series, or with each histogram, summary or state set.
    series_owners: HashMap<Vec<u8>, usize>,
    /// The families that are left out of a file, and the type they have there.
    dropped: HashMap<(usize, Vec<u8>), MetricType>,
    duplicates: usize,
    conflicts: Vec<Conflict>,
}

/// Joins `files`, each a name and a body, in the given order. Empty bodies are ignored.
///
/// The names only serve to report conflicts. A single file is neither checked nor changed.
#[must_use]
pub fn join(files: &[(&str, &[u8])], format: FormatChoice) -> Joined {
    let formats: Vec<Format> = files
        .iter()
        .map(|(_, body)| detect_format(body, format))
        .collect();
    let majority = MajorityFormat::of(files, &formats);
    if majority.files <= 1 {
        let body = files.get(majority.first_file);
        return Joined {
            body: body.map_or(&[][..], |(_, body)| body).to_vec(),
            format: majority.format,
            duplicates: 0,
            conflicts: Vec::new(),
        };
    }
    let mut join = Join::new(files, majority.format);
    let mut readable = Vec::new();
    for (index, format) in formats.iter().enumerate() {
        if join.body(index).is_empty() {
            continue;
        }
        match join.prepare(index, *format, &majority) {
            Ok(()) => readable.push(index),
            Err((kept, message)) => join.add_conflict(index, kept, b"", message),
        }
    }
    for index in readable {
        join.add_lines(index);
    }
    join.finish(majority.format)
}

impl<'f> Join<'f> {
    fn new(files: &'f [(&'f str, &'f [u8])], format: Format) -> Self {
        Self {
            files,
            dialect: if format == Format::OpenMetrics {
                Dialect::OpenMetrics
            } else {
                Dialect::Text
            },
            order: Vec::new(),
            families: HashMap::new(),
            series_owners: HashMap::new(),
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

    /// Collects the types of a file; the error is the file it conflicts with (itself if it is faulty) and the cause.
    fn prepare(
        &mut self,
        index: usize,
        format: Format,
        majority: &MajorityFormat,
    ) -> Result<(), (usize, String)> {
        if format == Format::Protobuf {
            return Err((index, "protobuf files cannot be joined".to_owned()));
        }
        if format != majority.format {
            let (own, most) = (format.name(), majority.format.name());
            let message = format!("the file is {own}, most are {most}");
            return Err((majority.representative, message));
        }
        self.collect_types(index)
            .map_err(|message| (index, message))
    }

    /// Reports that a file, or a family of it, is left out.
    fn add_conflict(&mut self, dropped: usize, kept: usize, family: &[u8], message: String) {
        if self.conflicts.len() >= MAX_CONFLICTS {
            return;
        }
        let kept = if dropped == kept { "" } else { self.name(kept) };
        self.conflicts.push(Conflict {
            dropped: self.name(dropped).to_owned(),
            kept: kept.to_owned(),
            family: shown(family),
            message,
        });
    }

    fn finish(self, format: Format) -> Joined {
        let mut body = Vec::new();
        for family in self.order.iter().filter_map(|name| self.families.get(name)) {
            for line in &family.metadata {
                body.extend_from_slice(line);
            }
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
