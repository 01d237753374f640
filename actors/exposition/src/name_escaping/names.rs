//! The escaped names of one body.
//!
//! Each name is escaped once. Names of metrics must differ within the body, names of labels within a metric.

use super::collisions::Escaped;
use super::error::EscapingError;
use super::scheme::EscapingScheme;
use crate::entry::{Label, Name};
use crate::escape::unescaped;
use crate::metric_type::{Dialect, MetricType};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// The suffixes that the samples of some type have.
const SUFFIXES: [&str; 8] = [
    "_bucket", "_sum", "_count", "_created", "_total", "_gsum", "_gcount", "_info",
];

/// A label with its escaped name, and its value as written.
pub(super) type EscapedLabel<'a> = (Cow<'a, str>, &'a [u8]);

/// The names of a body.
pub(super) struct Names<'a> {
    scheme: EscapingScheme,
    dialect: Dialect,
    types: HashMap<Cow<'a, str>, MetricType>,
    families: HashMap<Cow<'a, str>, String>,
    samples: HashMap<Cow<'a, str>, String>,
    /// The names of all families and samples.
    metrics: Escaped,
    /// The labels whose names change, by the name of the sample.
    labels: HashMap<Cow<'a, str>, Escaped>,
}

impl<'a> Names<'a> {
    pub(super) fn new(scheme: EscapingScheme, dialect: Dialect) -> Self {
        Self {
            scheme,
            dialect,
            types: HashMap::new(),
            families: HashMap::new(),
            samples: HashMap::new(),
            metrics: Escaped::default(),
            labels: HashMap::new(),
        }
    }

    /// Notes the type of a family, which decides about the suffixes of its samples.
    pub(super) fn declare(&mut self, name: Name<'a>, metric_type: MetricType) {
        if let Ok(name) = original(name) {
            self.types.entry(name).or_insert(metric_type);
        }
    }

    /// Notes the labels of a sample whose names change.
    pub(super) fn note_labels(
        &mut self,
        sample: Name<'a>,
        labels: &[Label<'a>],
    ) -> Result<(), EscapingError> {
        for label in labels.iter().filter(|label| !label.value.is_empty()) {
            if !label.name.quoted {
                continue;
            }
            let name = original(label.name)?;
            let escaped = self.scheme.escape_label(&name);
            if escaped != name {
                let labels = self.labels.entry(original(sample)?).or_default();
                labels.note(&escaped, &name)?;
            }
        }
        Ok(())
    }

    /// The escaped name of a family.
    pub(super) fn family(&mut self, name: Name<'a>) -> Result<&str, EscapingError> {
        let name = original(name)?;
        if !self.families.contains_key(&name) {
            let escaped = self.scheme.escape(&name).into_owned();
            if escaped.is_empty() {
                let why = "an empty name cannot be written without quotes";
                return Err(EscapingError::Unsupported(why));
            }
            self.metrics.note(&escaped, &name)?;
            self.families.insert(name.clone(), escaped);
        }
        Ok(self.families.get(&name).map_or("", String::as_str))
    }

    /// The escaped name of a sample: that of its family with the suffix, if its type has one.
    pub(super) fn sample(&mut self, name: Name<'a>) -> Result<&str, EscapingError> {
        let name = original(name)?;
        if !self.samples.contains_key(&name) {
            let escaped = match self.split(&name) {
                Some((family, suffix)) => self.scheme.escape(family).into_owned() + suffix,
                None => self.scheme.escape(&name).into_owned(),
            };
            self.metrics.note(&escaped, &name)?;
            self.samples.insert(name.clone(), escaped);
        }
        Ok(self.samples.get(&name).map_or("", String::as_str))
    }

    /// The family that a sample belongs to, and its suffix.
    fn split<'n>(&self, name: &'n str) -> Option<(&'n str, &'static str)> {
        SUFFIXES.into_iter().find_map(|suffix| {
            let family = name.strip_suffix(suffix)?;
            let metric_type = self.types.get(family)?;
            let has_suffix = metric_type.has_suffix(suffix.as_bytes(), self.dialect);
            has_suffix.then_some((family, suffix))
        })
    }

    /// The labels of a sample that Prometheus stores, with their escaped names; `None` if none of them is quoted, and
    /// neither is the name of the sample.
    pub(super) fn labels(
        &self,
        sample: Name<'a>,
        labels: &[Label<'a>],
    ) -> Result<Option<Vec<EscapedLabel<'a>>>, EscapingError> {
        if !self.labels.is_empty()
            && let Some(changed) = self.labels.get(&original(sample)?)
        {
            for label in labels.iter().filter(|label| !label.value.is_empty()) {
                let name = original(label.name)?;
                if self.scheme.escape_label(&name) == name {
                    changed.check_unchanged(&name)?;
                }
            }
        }
        if !sample.quoted && labels.iter().all(|label| !label.name.quoted) {
            return Ok(None);
        }
        // A label with an empty value removes all others of its name.
        let empty = labels.iter().filter(|label| label.value.is_empty());
        let removed = empty.map(|label| original(label.name));
        let removed: HashSet<Cow<'_, str>> = removed.collect::<Result<_, _>>()?;
        let mut escaped = Vec::with_capacity(labels.len());
        for label in labels {
            if removed.is_empty() || !removed.contains(&original(label.name)?) {
                escaped.push(self.label(label)?);
            }
        }
        Ok(Some(escaped))
    }

    /// The labels of an exemplar with their escaped names; `None` if none of them is quoted.
    pub(super) fn exemplar(
        &self,
        labels: &[Label<'a>],
    ) -> Result<Option<Vec<EscapedLabel<'a>>>, EscapingError> {
        if labels.iter().all(|label| !label.name.quoted) {
            return Ok(None);
        }
        let mut names = Escaped::default();
        let mut escaped = Vec::with_capacity(labels.len());
        for label in labels {
            let (name, value) = self.label(label)?;
            names.note(&name, &original(label.name)?)?;
            escaped.push((name, value));
        }
        Ok(Some(escaped))
    }

    fn label(&self, label: &Label<'a>) -> Result<EscapedLabel<'a>, EscapingError> {
        let name = match original(label.name)? {
            Cow::Borrowed(name) => self.scheme.escape_label(name),
            Cow::Owned(name) => Cow::Owned(self.scheme.escape_label(&name).into_owned()),
        };
        if name == "__name__" || name.is_empty() {
            let why = "a label name cannot be written without quotes";
            return Err(EscapingError::Unsupported(why));
        }
        Ok((name, label.value))
    }
}

/// A name without escape sequences.
fn original(name: Name<'_>) -> Result<Cow<'_, str>, EscapingError> {
    let invalid = |_| EscapingError::Unsupported("a name is not valid UTF-8");
    if name.quoted && name.text.contains(&b'\\') {
        let text = String::from_utf8(unescaped(name.text).collect());
        return text
            .map(Cow::Owned)
            .map_err(|error| invalid(error.utf8_error()));
    }
    std::str::from_utf8(name.text)
        .map(Cow::Borrowed)
        .map_err(invalid)
}
