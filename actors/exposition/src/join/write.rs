//! Writes the joined body family by family: the metadata, and each series once.

use super::family::Family;
use super::input::{Input, LineReader};
use super::left_out::Refusal;
use super::lines::{LineIndex, Lines};
use super::report::Report;
use super::rules::Timestamps;
use super::seen::{Admission, SeenSamples};
use super::series_rules::SeriesRules;
use super::types::Types;
use crate::entry::Entry;
use crate::metric_type::MetricType;
use crate::series::SeriesHasher;

/// Writes families one after the other.
pub(super) struct FamilyWriter<'i, 'f> {
    input: &'i Input<'f>,
    types: &'i Types<'i, 'f>,
    lines: &'i Lines,
    timestamps: Timestamps,
    hasher: SeriesHasher,
    reader: LineReader<'i, 'f>,
    body: Vec<u8>,
}

impl<'i, 'f> FamilyWriter<'i, 'f> {
    /// For a body of at most `size` bytes.
    pub(super) fn new(
        input: &'i Input<'f>,
        types: &'i Types<'i, 'f>,
        lines: &'i Lines,
        timestamps: Timestamps,
        size: usize,
    ) -> Self {
        Self {
            input,
            types,
            lines,
            timestamps,
            hasher: SeriesHasher::default(),
            reader: input.reader(),
            body: Vec::with_capacity(size),
        }
    }

    pub(super) fn into_body(self) -> Vec<u8> {
        self.body
    }

    /// Writes the family that begins with the line `first`.
    pub(super) fn write(&mut self, first: LineIndex, report: &mut Report<'i, 'f>) {
        let Some(family) = self.family(first) else {
            return;
        };
        for line in family.metadata.into_iter().flatten() {
            append(&mut self.body, line);
        }
        if family.samples > 1 {
            self.write_samples(first, &family, report);
            return;
        }
        for (_, position) in self.lines.of_family(first) {
            if !self.input.is_metadata(position)
                && let Some(line) = self.reader.read(position)
            {
                append(&mut self.body, line.bytes);
            }
        }
    }

    /// Reads everything but the samples of a family.
    fn family(&mut self, first: LineIndex) -> Option<Family<'f>> {
        let line = self.reader.read(self.lines.position(first))?;
        let name = line.entry.name()?.text;
        let declared = match line.entry {
            Entry::Sample(_) => self.types.family_of_sample(name),
            _ => self.types.find(name),
        };
        let metric_type = declared.and_then(|index| self.types.get(index));
        let metric_type = metric_type.map(|declared| declared.metric_type);
        let mut family = Family {
            name: declared.map_or(name, |index| self.types.name(index)),
            metric_type,
            metadata: [None; 3],
            declaring: Vec::new(),
            samples: 0,
        };
        for (_, position) in self.lines.of_family(first) {
            if !self.input.is_metadata(position) {
                family.samples += 1;
            } else if let Some(line) = self.reader.read(position) {
                family.add_metadata(&line);
            }
        }
        Some(family)
    }

    fn write_samples(
        &mut self,
        first: LineIndex,
        family: &Family<'f>,
        report: &mut Report<'i, 'f>,
    ) {
        let rules = SeriesRules::new(family, self.input.dialect(), self.timestamps);
        let mut seen =
            SeenSamples::new(self.input, self.lines, &self.hasher, rules, family.samples);
        if rules.has_parts() && !family.declaring.is_empty() {
            for (index, position) in self.lines.of_family(first) {
                if family.declares(self.input.file(position))
                    && !self.input.is_metadata(position)
                    && let Some(line) = self.reader.read(position)
                {
                    seen.set_owner(index, &line, self.reader.labels());
                }
            }
        }
        // One conflict for each file and family.
        let mut reported = None;
        for (index, position) in self.lines.of_family(first) {
            if self.input.is_metadata(position) {
                continue;
            }
            let Some(line) = self.reader.read(position) else {
                continue;
            };
            match seen.admit(index, &line, self.reader.labels()) {
                Admission::New => append(&mut self.body, line.bytes),
                Admission::Duplicate(kept) => report.duplicate(&line, kept),
                Admission::NotPart(kept) => {
                    if reported.replace(line.file) != Some(line.file) {
                        report.conflict(line.file, family.name, not_part(family, kept));
                    }
                }
            }
        }
    }
}

fn not_part(family: &Family<'_>, kept: usize) -> Refusal {
    let metric_type = family.metric_type.map_or("", MetricType::name);
    Refusal {
        because_of: Some(kept),
        message: format!("its samples do not belong to the {metric_type} there"),
    }
}

/// Appends a line, and the line feed that the last line of a file may lack.
fn append(body: &mut Vec<u8>, line: &[u8]) {
    body.extend_from_slice(line);
    if !line.ends_with(b"\n") {
        body.push(b'\n');
    }
}
