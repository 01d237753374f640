//! Gathers the lines of several files by family.
//!
//! First the types of every file are collected, then the lines are added: a sample belongs to the family that any of the
//! files declares for it. Works only on files that can be read to their end; the others are left out before.

use super::Join;
use crate::entry::{Entry, Label};
use crate::escape::unescaped;
use crate::metric_type::{Dialect, MetricType};
use std::collections::HashSet;
use std::collections::hash_map::Entry as MapEntry;

impl<'f> Join<'f> {
    /// Collects the types that a file declares; the first file to declare a family decides. The error is the cause why
    /// the file cannot be read.
    pub(super) fn collect_types(&mut self, index: usize) -> Result<(), String> {
        let mut types: Vec<(&'f [u8], MetricType)> = Vec::new();
        let mut known = HashSet::new();
        let mut reader = self.reader(index);
        while let Some(entry) = reader
            .next()
            .map_err(|fault| fault.into_fault(self.body(index)).to_string())?
        {
            match entry {
                Entry::Type(name, metric_type) if known.insert(name.text) => {
                    types.push((name.text, metric_type));
                }
                _ => {}
            }
        }
        for (name, metric_type) in types {
            let family = self.families.entry(name.to_vec()).or_default();
            let (first, owner) = *family.metric_type.get_or_insert((metric_type, index));
            if first != metric_type {
                self.dropped.insert((index, name.to_vec()), metric_type);
                let message = format!(
                    "its type is {} here and {} there",
                    metric_type.name(),
                    first.name()
                );
                self.add_conflict(index, owner, name, message);
            }
        }
        Ok(())
    }

    /// Adds the lines of a file to their families.
    pub(super) fn add_lines(&mut self, index: usize) {
        let mut reader = self.reader(index);
        loop {
            let start = reader.at();
            let Ok(Some(entry)) = reader.next() else {
                break;
            };
            let Some(name) = entry.name() else { continue };
            let is_sample = matches!(entry, Entry::Sample(_));
            if !self.is_dropped(index, name.text, is_sample) {
                let family = if is_sample {
                    self.family_of(name.text)
                } else {
                    name.text
                };
                let line = self.body(index).get(start..reader.at()).unwrap_or_default();
                let line = without_outer_nuls(line);
                self.add_line(index, family, &entry, reader.labels(), line);
            }
        }
    }

    /// Whether a line belongs to a family that is left out of its file.
    fn is_dropped(&self, index: usize, name: &[u8], is_sample: bool) -> bool {
        if self.dropped.is_empty() {
            return false;
        }
        let dropped = |family: &[u8]| self.dropped.get(&(index, family.to_vec()));
        dropped(name).is_some()
            || is_sample
                && splits(name).any(|(family, suffix)| {
                    dropped(family)
                        .is_some_and(|metric_type| metric_type.has_suffix(suffix, self.dialect))
                })
    }

    /// The family that a sample belongs to: one whose type has samples of this name, or one of the same name.
    fn family_of<'n>(&self, name: &'n [u8]) -> &'n [u8] {
        let owner = splits(name).find(|(family, suffix)| {
            let family = self.families.get(*family);
            let metric_type = family.and_then(|family| family.metric_type);
            metric_type.is_some_and(|(metric_type, _)| metric_type.has_suffix(suffix, self.dialect))
        });
        owner.map_or(name, |(family, _)| family)
    }

    /// Adds a line to the family `name`: metadata if it is the first of its kind, a sample if its series is new.
    fn add_line(
        &mut self,
        index: usize,
        name: &[u8],
        entry: &Entry<'_>,
        labels: &[Label<'_>],
        line: &[u8],
    ) {
        let family = self.families.entry(name.to_vec()).or_default();
        if family.samples.is_empty() && family.metadata.iter().all(Vec::is_empty) {
            self.order.push(name.to_vec());
        }
        let [help, metric_type, unit] = &mut family.metadata;
        let metadata = match entry {
            Entry::Help(_) => help,
            Entry::Type(..) => metric_type,
            Entry::Unit(_) => unit,
            Entry::Comment => return,
            Entry::Sample(sample) => {
                let metric_type = family.metric_type.map(|(metric_type, _)| metric_type);
                let key = series_key(name, metric_type, sample.name.text, labels);
                let has_timestamp =
                    self.dialect == Dialect::OpenMetrics && sample.timestamp.is_some();
                let may_repeat = has_timestamp || is_owned_together(metric_type);
                match self.series_owners.entry(key) {
                    MapEntry::Occupied(owner) if *owner.get() != index || !may_repeat => {
                        self.duplicates += 1;
                        return;
                    }
                    MapEntry::Occupied(_) => {}
                    MapEntry::Vacant(owner) => {
                        owner.insert(index);
                    }
                }
                append(&mut family.samples, line);
                return;
            }
        };
        if metadata.is_empty() {
            append(metadata, line);
        }
    }
}

/// Every way to split a name before an underscore.
fn splits(name: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let cuts = name.iter().enumerate().filter(|(_, byte)| **byte == b'_');
    cuts.filter_map(|(cut, _)| name.split_at_checked(cut))
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

/// Whether all samples of one metric must come from one file, so that they share one key.
///
/// The buckets of a histogram from two files, for example, would not be cumulative.
fn is_owned_together(metric_type: Option<MetricType>) -> bool {
    metric_type.is_some_and(|metric_type| metric_type.sample_label(b"").is_some())
}

/// The key of a sample's series, or of its metric if that is [owned together](is_owned_together): a name and the labels,
/// sorted, with lengths.
fn series_key(
    family: &[u8],
    metric_type: Option<MetricType>,
    name: &[u8],
    labels: &[Label<'_>],
) -> Vec<u8> {
    let own = metric_type.and_then(|metric_type| metric_type.sample_label(family));
    let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = labels
        .iter()
        .filter(|label| !label.value.is_empty() && Some(label.name.text) != own)
        .map(|label| {
            (
                unescaped(label.name.text).collect(),
                unescaped(label.value).collect(),
            )
        })
        .collect();
    pairs.sort();
    let mut key = if own.is_some() { family } else { name }.to_vec();
    for (name, value) in pairs {
        for text in [name, value] {
            key.extend(text.len().to_le_bytes());
            key.extend(text);
        }
    }
    key
}

/// Appends a line, and the line feed that the last line of a file may lack.
fn append(lines: &mut Vec<u8>, line: &[u8]) {
    lines.extend_from_slice(line);
    if !line.ends_with(b"\n") {
        lines.push(b'\n');
    }
}
