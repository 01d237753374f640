//! The specifications' rules on the order of lines: families, their metadata, series and groups.
//!
//! Sources: `OpenMetrics` 1.0 and the text format 0.0.4 ("exposition formats" of the Prometheus documentation). Series
//! and groups are remembered as 64-bit hashes: two that collide would be taken for one, which for a million series
//! happens once in some ten million bodies.

use super::entry::{Dialect, Entry, Kind, Label, Reader, Sample, unescaped};
use super::fault::{RawFault, shown};
use super::points::{self, Points};
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hasher, RandomState};

/// The family whose lines are being read.
#[derive(Debug, Default)]
struct Family {
    name: Vec<u8>,
    kind: Option<Kind>,
    help: bool,
    unit: bool,
    samples: bool,
}

/// The metric whose samples are being read, and the timestamp of the last.
#[derive(Clone, Copy, Debug)]
struct Group {
    hash: u64,
    stamp: Option<i64>,
}

pub(super) struct FamilyState {
    dialect: Dialect,
    family: Option<Family>,
    /// Every sample name a family has a right to, and that family.
    reserved: HashMap<Vec<u8>, Vec<u8>>,
    series: HashSet<u64>,
    groups: HashSet<u64>,
    group: Option<Group>,
    points: HashMap<u64, Points>,
    hashing: RandomState,
    scratch: Vec<u8>,
}

impl FamilyState {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            family: None,
            reserved: HashMap::new(),
            series: HashSet::new(),
            groups: HashSet::new(),
            group: None,
            points: HashMap::new(),
            hashing: RandomState::new(),
            scratch: Vec::new(),
        }
    }

    /// Enters what was just read; gives what is wrong with it, or with the family it ends.
    pub(super) fn add<'a>(
        &mut self,
        body: &[u8],
        at: usize,
        entry: &Entry<'a>,
        reader: &impl Reader<'a>,
    ) -> Vec<RawFault> {
        let mut faults = Vec::new();
        if let Some((at, deviation)) = reader.deviation() {
            faults.push(RawFault::malformed(at, deviation));
        }
        match entry {
            Entry::Comment => {}
            Entry::Help(name) | Entry::Type(name, _) | Entry::Unit(name) => {
                if self
                    .family
                    .as_ref()
                    .is_none_or(|family| family.name != name.text)
                {
                    faults.extend(self.begin(at, name.text));
                }
                faults.extend(self.metadata(at, entry));
            }
            Entry::Sample(sample) => {
                let name = sample.name.text;
                if self.suffix(name).is_none() {
                    faults.extend(self.begin(at, name));
                }
                faults.extend(self.sample(body, at, sample, reader));
            }
        }
        faults
    }

    /// Ends the last family.
    pub(super) fn finish(&mut self) -> Option<RawFault> {
        self.group = None;
        self.groups.clear();
        let family = self.family.take()?;
        let mut faults: Vec<RawFault> = self
            .points
            .drain()
            .filter_map(|(_, points)| points.finish(family.kind, self.dialect))
            .collect();
        faults.sort_by_key(|fault| fault.at);
        faults.into_iter().next()
    }

    /// Begins a family, which ends the one before.
    fn begin(&mut self, at: usize, name: &[u8]) -> Vec<RawFault> {
        let mut faults: Vec<RawFault> = self.finish().into_iter().collect();
        self.family = Some(Family {
            name: name.to_vec(),
            ..Family::default()
        });
        faults.extend(self.reserve(at, name));
        faults
    }

    /// Claims a sample name for the current family.
    fn reserve(&mut self, at: usize, name: &[u8]) -> Option<RawFault> {
        let owner = &self.family.as_ref()?.name;
        let name_shown = shown(name);
        match self.reserved.get(name) {
            None => {
                self.reserved.insert(name.to_vec(), owner.clone());
                None
            }
            Some(other) if other == name && owner == name => Some(RawFault::malformed(
                at,
                format!("family `{name_shown}` appears again: its lines must stand together"),
            )),
            Some(other) => {
                let other = shown(other);
                Some(RawFault::malformed(
                    at,
                    format!("the name `{name_shown}` already belongs to family `{other}`"),
                ))
            }
        }
    }

    fn metadata(&mut self, at: usize, entry: &Entry<'_>) -> Option<RawFault> {
        let dialect = self.dialect;
        let family = self.family.as_mut()?;
        let (word, again) = match entry {
            Entry::Help(_) => ("HELP", std::mem::replace(&mut family.help, true)),
            Entry::Unit(_) => ("UNIT", std::mem::replace(&mut family.unit, true)),
            Entry::Type(_, kind) => ("TYPE", family.kind.replace(*kind).is_some()),
            Entry::Comment | Entry::Sample(_) => return None,
        };
        if family.samples {
            return Some(RawFault::malformed(
                at,
                format!("{word} stands after samples of its family"),
            ));
        }
        if again {
            return Some(RawFault::malformed(
                at,
                format!("a second {word} for the same family"),
            ));
        }
        if family.unit && matches!(family.kind, Some(Kind::Info | Kind::StateSet)) {
            return Some(RawFault::malformed(
                at,
                "a family of type info or stateset has no unit",
            ));
        }
        let Entry::Type(name, kind) = entry else {
            return None;
        };
        let suffixes = points::suffixes(*kind, dialect)
            .iter()
            .filter(|suffix| !suffix.is_empty());
        let names: Vec<Vec<u8>> = suffixes
            .map(|suffix| [name.text, suffix.as_bytes()].concat())
            .collect();
        names
            .iter()
            .filter_map(|name| self.reserve(at, name))
            .last()
    }

    /// What follows the family's name in a sample of it; nothing where the sample is of another family.
    fn suffix<'n>(&self, name: &'n [u8]) -> Option<&'n [u8]> {
        let family = self.family.as_ref()?;
        let suffix = name.strip_prefix(family.name.as_slice())?;
        let known = points::suffixes(family.kind.unwrap_or(Kind::Unknown), self.dialect);
        (suffix.is_empty() || known.iter().any(|known| known.as_bytes() == suffix))
            .then_some(suffix)
    }

    fn sample<'a>(
        &mut self,
        body: &[u8],
        at: usize,
        sample: &Sample<'a>,
        reader: &impl Reader<'a>,
    ) -> Option<RawFault> {
        let suffix = self.suffix(sample.name.text)?;
        let stamp = sample.timestamp.as_ref().map(|(_, stamp)| *stamp);
        let labels = reader.labels();
        let family = self.family.as_mut()?;
        family.samples = true;
        let kind = family.kind.unwrap_or(Kind::Unknown);
        let family_name = std::mem::take(&mut family.name);
        let point = points::Point {
            kind,
            suffix,
            dialect: self.dialect,
            family: &family_name,
            labels,
            number: body.get(sample.value.clone()).unwrap_or_default(),
        };
        let own = point.own_label();
        let grouping = point.is_histogram() || self.dialect == Dialect::OpenMetrics;
        let others = labels.iter().filter(|label| Some(label.name.text) != own);
        let group = if grouping {
            self.hash(&family_name, others)
        } else {
            0
        };
        let series = self.hash(sample.name.text, labels.iter());
        let fault = point
            .check(at)
            .or_else(|| self.duplicate(at, series, stamp))
            .or_else(|| self.grouped(at, group, stamp, kind))
            .or_else(|| points::exemplar(at, kind, suffix, sample.exemplar, reader.exemplar()))
            .or_else(|| {
                if !point.is_histogram() {
                    return None;
                }
                let key = group ^ stamp.map_or(0, |stamp| self.hashing.hash_one(stamp));
                let points = self.points.entry(key).or_insert_with(|| Points::new(at));
                points.enter(at, &point)
            });
        if let Some(family) = &mut self.family {
            family.name = family_name;
        }
        fault
    }

    fn duplicate(&mut self, at: usize, series: u64, stamp: Option<i64>) -> Option<RawFault> {
        let again = !self.series.insert(series);
        // OpenMetrics allows one series to have points at several timestamps.
        let allowed = self.dialect == Dialect::OpenMetrics && stamp.is_some();
        (again && !allowed).then(|| RawFault::malformed(at, "this series occurs a second time"))
    }

    /// In `OpenMetrics` the samples of one metric stand together, with timestamps all or none, and none goes back.
    fn grouped(
        &mut self,
        at: usize,
        hash: u64,
        stamp: Option<i64>,
        kind: Kind,
    ) -> Option<RawFault> {
        if self.dialect == Dialect::Text {
            return None;
        }
        let before = self.group.replace(Group { hash, stamp });
        match before {
            Some(before) if before.hash == hash => match (before.stamp, stamp) {
                (None, Some(_)) | (Some(_), None) => Some(RawFault::malformed(
                    at,
                    "samples of one metric have timestamps all or none",
                )),
                (Some(before), Some(now)) if now < before && kind != Kind::Info => Some(
                    RawFault::malformed(at, "the timestamps of one metric go back"),
                ),
                _ => None,
            },
            _ => {
                let again = !self.groups.insert(hash);
                again.then(|| {
                    RawFault::malformed(at, "the samples of one metric do not stand together")
                })
            }
        }
    }

    /// A hash of a name and its labels in any order; labels with empty values do not count.
    fn hash<'l, 'a: 'l>(
        &mut self,
        name: &[u8],
        labels: impl Iterator<Item = &'l Label<'a>>,
    ) -> u64 {
        let mut sum = self.hashing.hash_one(name);
        for label in labels.filter(|label| !label.value.is_empty()) {
            let mut hasher = self.hashing.build_hasher();
            for text in [label.name.text, label.value] {
                if text.contains(&b'\\') {
                    self.scratch.clear();
                    self.scratch.extend(unescaped(text));
                    hasher.write(&self.scratch);
                } else {
                    hasher.write(text);
                }
                hasher.write_u8(0xff);
            }
            sum = sum.wrapping_add(hasher.finish());
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::super::FormatChoice::{OpenMetrics, Text};
    use super::super::tests::strict;

    #[test]
    fn text_families_stand_together_under_their_metadata() {
        let good = [
            "# HELP a x\n# TYPE a counter\na 1\na{b=\"1\"} 2\n# TYPE b gauge\nb -1\n",
            "a 1\nb 1\n",
            "# a comment\n\na 1\n",
            "a{b=\"1\",c=\"\"} 1\na{b=\"2\"} 1\n",
            "# TYPE a gauge\n",
            "a{b=\"1\",} 1\n",
            "# TYPE a gauge\n# HELP a x\na 1\n",
        ];
        let bad = [
            ("# TYPE a gauge\n# TYPE a gauge\n", 2),
            ("# HELP a x\n# HELP a y\n", 2),
            ("a 1\n# TYPE a gauge\n", 2),
            ("a 1\n# HELP a x\n", 2),
            ("a 1\nb 1\na{c=\"1\"} 1\n", 3),
            ("a 1\na 2\n", 2),
            ("a 1 1\na 1 2\n", 2),
            ("a{b=\"1\",c=\"2\"} 1\na{c=\"2\",b=\"1\"} 1\n", 2),
            ("a{b=\"1\",c=\"\"} 1\na{b=\"1\"} 1\n", 2),
            ("a_bucket 1\n# TYPE a histogram\n", 2),
            ("a{b=\"\n\"} 1\n", 1),
            ("a{b=\"1\" c=\"2\"} 1\n", 1),
            ("{abc} 1\n", 1),
            ("# \u{e9}\na 1\n# TYPE b gauge\nb 1\n# HELP b x\n", 5),
        ];
        strict(Text, &good, &bad);
    }

    #[test]
    fn openmetrics_families_stand_together_and_do_not_clash() {
        let good = [
            "# TYPE a counter\n# HELP a x\na_total 1\na_created 2\n# EOF\n",
            "a 1\n# EOF\n",
            "# HELP a \n# UNIT a \n# EOF\n",
            "# TYPE a gauge\na{b=\"1\"} 1 0\na{b=\"1\"} 2 0\na{b=\"1\"} 2 1\n# EOF",
            "# TYPE a_s gauge\n# UNIT a_s s\na_s 1\n# EOF\n",
        ];
        let bad = [
            ("# TYPE a counter\n# TYPE a counter\n# EOF\n", 2),
            ("# TYPE a info\n# TYPE a counter\n# EOF\n", 2),
            ("# TYPE a_created gauge\n# TYPE a counter\n# EOF\n", 2),
            ("# TYPE a counter\n# TYPE a_total gauge\n# EOF\n", 2),
            ("# TYPE a gauge\na 0\nb 0\na{c=\"1\"} 0\n# EOF\n", 4),
            ("# TYPE a gauge\na 0 1\na 0 0\n# EOF\n", 3),
            ("# TYPE a gauge\na 0\na 0 1\n# EOF\n", 3),
            ("# TYPE a gauge\na 0\na 0\n# EOF\n", 3),
            (
                "# TYPE a gauge\na{b=\"1\"} 0\na{b=\"2\"} 0\na{b=\"1\"} 0 1\n# EOF\n",
                4,
            ),
            ("a{b=\"1\",} 1\n# EOF\n", 1),
            ("# UNIT a_s s\n# UNIT a_s s\n# EOF\n", 2),
            ("# TYPE a_s info\n# UNIT a_s s\n# EOF\n", 2),
        ];
        strict(OpenMetrics, &good, &bad);
    }
}
