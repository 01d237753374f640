//! The labels that Prometheus stores.
//!
//! Source: `scrape/scrape.go` and `model/labels` with UTF-8 validation. A label with an empty value is dropped, and so are
//! all others with its name. The remaining names must be unique, not empty, and valid UTF-8.

use crate::entry::{Label, Name};
use crate::escape::unescaped;
use crate::fault::{RawFault, shown};
use crate::names::{is_legacy_label_name, is_legacy_metric_name};

/// The properties of names that affect the Content-Type.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NameFlags {
    /// Whether a name is in quotes.
    pub(crate) quoted: bool,
    /// Whether a name is valid only as UTF-8.
    pub(crate) utf8: bool,
}

impl NameFlags {
    pub(crate) fn note_metric(&mut self, name: Name<'_>) {
        self.quoted |= name.quoted;
        self.utf8 |= name.quoted && !is_legacy_metric_name(name.text);
    }

    pub(crate) fn note_labels(&mut self, labels: &[Label<'_>]) {
        for label in labels {
            self.quoted |= label.name.quoted;
            self.utf8 |= label.name.quoted && !is_legacy_label_name(label.name.text);
        }
    }
}

/// Checks that Prometheus can store the sample that starts at `at`.
pub(crate) fn accept(at: usize, name: Name<'_>, labels: &[Label<'_>]) -> Result<(), RawFault> {
    if name.text.is_empty() {
        return Err(RawFault::malformed(at, "the metric name is empty"));
    }
    if std::str::from_utf8(name.text).is_err() {
        return Err(RawFault::malformed(
            at,
            "the metric name is not valid UTF-8",
        ));
    }
    if labels.len() > MAX_COMPARED {
        return accept_sorted(at, labels);
    }
    for (index, label) in labels.iter().enumerate() {
        accept_name(at, label)?;
        let same = |other: &&Label<'_>| same_name(label.name, other.name);
        let mut others = labels.iter().filter(same);
        if label.value.is_empty() || others.any(|other| other.value.is_empty()) {
            continue;
        }
        accept_stored(at, label)?;
        if labels.iter().take(index).any(|other| same(&other)) {
            return Err(duplicate(at, label));
        }
    }
    Ok(())
}

/// The number of labels up to which each is compared with all others; a body can be one sample with a million labels.
const MAX_COMPARED: usize = 16;

/// [`accept`] for many labels, in the time of sorting them.
fn accept_sorted(at: usize, labels: &[Label<'_>]) -> Result<(), RawFault> {
    for label in labels {
        accept_name(at, label)?;
    }
    let named = |label| -> (Vec<u8>, &Label<'_>) {
        let label: &Label<'_> = label;
        (unescaped(label.name.text).collect(), label)
    };
    let mut sorted: Vec<_> = labels.iter().map(named).collect();
    sorted.sort_by(|(one, _), (other, _)| one.cmp(other));
    for same in sorted.chunk_by(|(one, _), (other, _)| one == other) {
        if same.iter().any(|(_, label)| label.value.is_empty()) {
            continue;
        }
        if let [(_, first), rest @ ..] = same {
            accept_stored(at, first)?;
            if !rest.is_empty() {
                return Err(duplicate(at, first));
            }
        }
    }
    Ok(())
}

/// Checks a label that may be dropped.
fn accept_name(at: usize, label: &Label<'_>) -> Result<(), RawFault> {
    if label.name.text == b"__name__" {
        return Err(RawFault::malformed(
            at,
            "a label is named __name__, which is reserved for the metric name",
        ));
    }
    Ok(())
}

/// Checks a label that is stored.
fn accept_stored(at: usize, label: &Label<'_>) -> Result<(), RawFault> {
    if label.name.text.is_empty() {
        return Err(RawFault::malformed(at, "a label name is empty"));
    }
    if std::str::from_utf8(label.name.text).is_err() {
        return Err(RawFault::malformed(at, "a label name is not valid UTF-8"));
    }
    Ok(())
}

fn duplicate(at: usize, label: &Label<'_>) -> RawFault {
    let name = shown(label.name.text);
    RawFault::malformed(at, format!("label `{name}` occurs twice in one sample"))
}

/// A metric name in braces without quotes, as in `{up}`, as Prometheus 3.5 reads it.
///
/// It takes the first and the last byte for quotes (`parseLVals`). A single byte leaves a slice that ends before it
/// begins, and the server crashes. Two bytes leave no name; more leave the name without its ends.
pub(crate) fn name_without_quotes(start: usize, word: Name<'_>) -> Result<Name<'_>, RawFault> {
    match word.text {
        [_, text @ .., _] => Ok(Name {
            text,
            quoted: false,
        }),
        _ => Err(RawFault::malformed(
            start,
            "a metric name of one letter without quotes in braces: this crashes Prometheus 3.5",
        )),
    }
}

fn same_name(one: Name<'_>, other: Name<'_>) -> bool {
    one.text == other.text
        || ((one.text.contains(&b'\\') || other.text.contains(&b'\\'))
            && unescaped(one.text).eq(unescaped(other.text)))
}

#[cfg(test)]
mod tests {
    use super::{Label, Name, accept};

    fn quoted(text: &str) -> Name<'_> {
        Name {
            text: text.as_bytes(),
            quoted: true,
        }
    }

    #[test]
    fn labels_with_empty_values_are_dropped() {
        let cases: [(&[(&str, &str)], bool); 10] = [
            (&[], true),
            (&[("a", "1"), ("b", "1")], true),
            (&[("a", "1"), ("a", "1")], false),
            (&[("a", ""), ("a", "")], true),
            (&[("a", ""), ("a", "1")], true),
            (&[("a", "1"), ("a", "2"), ("a", "")], true),
            (&[("", "1")], false),
            (&[("", "")], true),
            (&[("__name__", "x")], false),
            (&[("x\\n", "1"), ("x\n", "2")], false),
        ];
        for (labels, accepted) in cases {
            let list: Vec<Label<'_>> = labels
                .iter()
                .map(|(name, value)| Label {
                    name: quoted(name),
                    value: value.as_bytes(),
                })
                .collect();
            assert_eq!(
                accept(0, quoted("m"), &list).is_ok(),
                accepted,
                "{labels:?}"
            );
        }
        assert!(accept(0, quoted(""), &[]).is_err());
        assert!(
            accept(
                0,
                Name {
                    text: b"\xff",
                    quoted: true
                },
                &[]
            )
            .is_err()
        );
    }
}
