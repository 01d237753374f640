//! Gathers the lines of several files by family.
//!
//! First every file's types are noted, then lines are added: a sample belongs to the family that any file announces for
//! it. It works on files that read to their end; the others are left out before.

use super::super::entry::{Dialect, Entry, Kind, Label, unescaped};
use super::super::points;
use super::Join;
use std::collections::HashSet;

impl<'f> Join<'f> {
    /// Notes the types a file announces: the first file to announce a family decides. Says why a file cannot be read.
    pub(super) fn announce(&mut self, index: usize) -> Result<(), String> {
        let mut kinds: Vec<(&'f [u8], Kind)> = Vec::new();
        let mut known = HashSet::new();
        let mut reader = self.reader(index);
        while let Some(entry) = reader
            .next()
            .map_err(|fault| fault.into_fault(self.body(index)).to_string())?
        {
            match entry {
                Entry::Type(name, kind) if known.insert(name.text) => {
                    kinds.push((name.text, kind));
                }
                _ => {}
            }
        }
        for (name, kind) in kinds {
            let (first, owner) = *self
                .families
                .entry(name.to_vec())
                .or_default()
                .kind
                .get_or_insert((kind, index));
            if first != kind {
                self.dropped.insert((index, name.to_vec()), kind);
                self.conflict(
                    index,
                    owner,
                    name,
                    format!(
                        "its type is {} here and {} there",
                        kind.name(),
                        first.name()
                    ),
                );
            }
        }
        Ok(())
    }

    /// Adds a file's lines to their families.
    pub(super) fn add(&mut self, index: usize) {
        let mut reader = self.reader(index);
        loop {
            let start = reader.at();
            let Ok(Some(entry)) = reader.next() else {
                break;
            };
            let Some(name) = entry.name() else { continue };
            let sample = matches!(entry, Entry::Sample(_));
            if !self.is_dropped(index, name.text, sample) {
                let family = if sample {
                    self.family_of(name.text)
                } else {
                    name.text.to_vec()
                };
                let line = self.body(index).get(start..reader.at()).unwrap_or_default();
                let line = without_outer_nuls(line);
                self.enter(index, &family, &entry, reader.labels(), line);
            }
        }
    }

    /// Whether a line belongs to a family that is left out of its file.
    fn is_dropped(&self, index: usize, name: &[u8], sample: bool) -> bool {
        if self.dropped.is_empty() {
            return false;
        }
        let kind = |family: &[u8]| self.dropped.get(&(index, family.to_vec()));
        let cuts = name.iter().enumerate().filter(|(_, byte)| **byte == b'_');
        let mut splits = cuts.filter_map(|(cut, _)| name.split_at_checked(cut));
        kind(name).is_some()
            || sample
                && splits.any(|(family, suffix)| {
                    kind(family).is_some_and(|kind| {
                        let mut suffixes = points::suffixes(*kind, self.dialect).iter();
                        suffixes.any(|known| known.as_bytes() == suffix)
                    })
                })
    }

    /// The family a sample belongs to: one whose type has such samples, or one of its own name.
    fn family_of(&self, name: &[u8]) -> Vec<u8> {
        let cuts = name
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'_')
            .map(|(cut, _)| cut);
        let mut splits = cuts.filter_map(|cut| name.split_at_checked(cut));
        let owner = splits.find(|(stem, suffix)| {
            let kind = self.families.get(*stem).and_then(|family| family.kind);
            kind.is_some_and(|(kind, _)| {
                points::suffixes(kind, self.dialect)
                    .iter()
                    .any(|known| known.as_bytes() == *suffix)
            })
        });
        owner.map_or(name, |(stem, _)| stem).to_vec()
    }

    fn enter(
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
        let place = match entry {
            Entry::Help(_) => family.metadata.first_mut(),
            Entry::Type(..) => family.metadata.get_mut(1),
            Entry::Unit(_) => family.metadata.get_mut(2),
            Entry::Comment => None,
            Entry::Sample(sample) => {
                let kind = family.kind.map(|(kind, _)| kind);
                let (key, whole) = key(name, kind, sample.name.text, labels);
                let stamped = self.dialect == Dialect::OpenMetrics && sample.timestamp.is_some();
                if let Some(owner) = self.owners.get(&key) {
                    if *owner != index || !(whole || stamped) {
                        self.duplicates += 1;
                        return;
                    }
                } else {
                    self.owners.insert(key, index);
                }
                append(&mut family.samples, line);
                None
            }
        };
        if let Some(place) = place.filter(|place| place.is_empty()) {
            append(place, line);
        }
    }
}

/// A line without the NUL bytes before it and behind its end: Prometheus' lexer
/// skips them in one place and would trip over them in another.
fn without_outer_nuls(line: &[u8]) -> &[u8] {
    let is_nul = |byte: &&u8| **byte == 0;
    let line = line.get(line.iter().take_while(is_nul).count()..);
    let line = line.unwrap_or_default();
    let behind = line.iter().rev().take_while(is_nul).count();
    line.get(..line.len() - behind).unwrap_or_default()
}

/// What tells a series from others, and whether that stands for a whole histogram or summary.
///
/// The buckets of one histogram may come from one file only: two files' together would not be cumulative.
fn key(family: &[u8], kind: Option<Kind>, name: &[u8], labels: &[Label<'_>]) -> (Vec<u8>, bool) {
    let own: Option<&[u8]> = match kind {
        Some(Kind::Histogram | Kind::GaugeHistogram) => Some(b"le"),
        Some(Kind::Summary) => Some(b"quantile"),
        Some(Kind::StateSet) => Some(family),
        Some(Kind::Counter | Kind::Gauge | Kind::Info | Kind::Unknown) | None => None,
    };
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
    (key, own.is_some())
}

/// Appends a line, with the newline that the last of a file may lack.
fn append(lines: &mut Vec<u8>, line: &[u8]) {
    lines.extend_from_slice(line);
    if !line.ends_with(b"\n") {
        lines.push(b'\n');
    }
}
