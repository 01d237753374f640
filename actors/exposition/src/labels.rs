//! Which name and labels Prometheus stores.
//!
//! Source: `scrape/scrape.go` and `model/labels` with UTF-8 validation. A label with an empty value is no label; it
//! takes others of its name with it. NameFlags left must not be empty, must be UTF-8 and must differ.

use super::cursor::{is_legacy_label_name, is_legacy_metric_name};
use super::entry::{Label, Name, unescaped};
use super::fault::{RawFault, shown};

/// What the names seen so far ask of the Content-Type.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct NameFlags {
    pub(super) quoted: bool,
    pub(super) utf8: bool,
}

impl NameFlags {
    pub(super) fn note_metric(&mut self, name: Name<'_>) {
        self.quoted |= name.quoted;
        self.utf8 |= name.quoted && !is_legacy_metric_name(name.text);
    }

    pub(super) fn note_labels(&mut self, labels: &[Label<'_>]) {
        for label in labels {
            self.quoted |= label.name.quoted;
            self.utf8 |= label.name.quoted && !is_legacy_label_name(label.name.text);
        }
    }
}

/// Whether the sample that starts at `at` can be stored.
pub(super) fn accept(at: usize, name: Name<'_>, labels: &[Label<'_>]) -> Result<(), RawFault> {
    if name.text.is_empty() {
        return Err(RawFault::malformed(at, "the metric name is empty"));
    }
    if std::str::from_utf8(name.text).is_err() {
        return Err(RawFault::malformed(at, "the metric name is not UTF-8"));
    }
    if labels.len() > FEW {
        return accept_many(at, labels);
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
            return Err(twice(at, label));
        }
    }
    Ok(())
}

/// More labels than this are compared by sorting: a line may be made of nothing else.
const FEW: usize = 16;

/// [`accept`] for many labels, in no more than the time of sorting them.
fn accept_many(at: usize, labels: &[Label<'_>]) -> Result<(), RawFault> {
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
                return Err(twice(at, first));
            }
        }
    }
    Ok(())
}

/// What holds of any label, stored or not.
fn accept_name(at: usize, label: &Label<'_>) -> Result<(), RawFault> {
    if label.name.text == b"__name__" {
        return Err(RawFault::malformed(
            at,
            "a label is called __name__, which is the metric name itself",
        ));
    }
    Ok(())
}

/// What holds of a label that is stored.
fn accept_stored(at: usize, label: &Label<'_>) -> Result<(), RawFault> {
    if label.name.text.is_empty() {
        return Err(RawFault::malformed(at, "a label name is empty"));
    }
    if std::str::from_utf8(label.name.text).is_err() {
        return Err(RawFault::malformed(at, "a label name is not UTF-8"));
    }
    Ok(())
}

fn twice(at: usize, label: &Label<'_>) -> RawFault {
    let name = shown(label.name.text);
    RawFault::malformed(at, format!("label `{name}` occurs twice in one sample"))
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
    fn labels_with_empty_values_are_no_labels() {
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
