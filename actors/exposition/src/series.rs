//! The identity of series: hashing and comparing names and labels, as written in a body.
//!
//! The order of labels does not matter, labels with empty values do not count, and escape sequences are resolved. The
//! bounds of histograms and the quantiles of summaries are compared by value, as Prometheus 3 does
//! (`normalizeFloatsInLabelValues` in `model/textparse`): `1`, `1.0` and `1e0` are the same bound.

use crate::entry::Label;
use crate::escape::unescaped;
use crate::metric_type::MetricType;
use crate::number;
use std::borrow::Cow;
use std::cmp::Ordering;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};

/// Which labels identify a series, and how.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Identity<'n> {
    /// The label whose value is a number, and is compared as one.
    pub(crate) numeric: Option<&'n [u8]>,
    /// A label that does not count.
    pub(crate) ignored: Option<&'n [u8]>,
}

impl Identity<'static> {
    /// The identity of the series of a family with this type.
    pub(crate) fn of_series(metric_type: Option<MetricType>) -> Self {
        Self {
            numeric: metric_type.and_then(MetricType::numeric_label),
            ignored: None,
        }
    }
}

impl<'n> Identity<'n> {
    /// The identity of the metrics of a family: of all its samples that differ only in the label `own`.
    pub(crate) const fn of_metric(own: Option<&'n [u8]>) -> Self {
        Self {
            numeric: None,
            ignored: own,
        }
    }

    fn counts(&self, label: &Label<'_>) -> bool {
        !label.value.is_empty() && Some(label.name.text) != self.ignored
    }

    /// The number that the value of `label` stands for, if it is compared as one.
    fn number(&self, label: &Label<'_>) -> Option<u64> {
        if Some(label.name.text) != self.numeric {
            return None;
        }
        number::parse(label.value).map(number::identity)
    }

    /// Whether two lists of labels identify the same series, given the same name.
    pub(crate) fn same(&self, one: &[Label<'_>], other: &[Label<'_>]) -> bool {
        let as_written = |(one, other): (&Label<'_>, &Label<'_>)| {
            one.name.text == other.name.text && one.value == other.value
        };
        if one.len() == other.len() && one.iter().zip(other).all(as_written) {
            return true;
        }
        let (one, other) = (self.sorted(one), self.sorted(other));
        let equal =
            |(one, other): (&&Label<'_>, &&Label<'_>)| self.compare(one, other) == Ordering::Equal;
        one.len() == other.len() && one.iter().zip(&other).all(equal)
    }

    /// The labels that count, in an order that does not depend on how they are written.
    fn sorted<'l, 'a>(&self, labels: &'l [Label<'a>]) -> Vec<&'l Label<'a>> {
        let mut sorted: Vec<_> = labels.iter().filter(|label| self.counts(label)).collect();
        sorted.sort_unstable_by(|one, other| self.compare(one, other));
        sorted
    }

    fn compare(&self, one: &Label<'_>, other: &Label<'_>) -> Ordering {
        let names = unescaped(one.name.text).cmp(unescaped(other.name.text));
        names.then_with(|| match (self.number(one), self.number(other)) {
            (None, None) => unescaped(one.value).cmp(unescaped(other.value)),
            (one, other) => one.cmp(&other),
        })
    }
}

/// Hashes names and labels with random keys, so that no body can be made of series that collide.
#[derive(Debug, Default)]
pub(crate) struct SeriesHasher {
    hashing: RandomState,
}

impl SeriesHasher {
    /// Hashes a name and its labels.
    pub(crate) fn hash(&self, name: &[u8], labels: &[Label<'_>], identity: &Identity<'_>) -> u64 {
        let mut sum = self.hashing.hash_one(name);
        for label in labels.iter().filter(|label| identity.counts(label)) {
            let mut hasher = self.hashing.build_hasher();
            write(&mut hasher, label.name.text);
            match identity.number(label) {
                Some(number) => hasher.write_u64(number),
                None => write(&mut hasher, label.value),
            }
            // A sum does not depend on the order.
            sum = sum.wrapping_add(hasher.finish());
        }
        sum
    }

    /// Hashes one value.
    pub(crate) fn hash_one(&self, value: impl Hash) -> u64 {
        self.hashing.hash_one(value)
    }
}

fn write(hasher: &mut impl Hasher, text: &[u8]) {
    hasher.write(&resolved(text));
    hasher.write_u8(0xff);
}

/// `text` with its escape sequences resolved; copied only if it has any.
fn resolved(text: &[u8]) -> Cow<'_, [u8]> {
    if text.contains(&b'\\') {
        Cow::Owned(unescaped(text).collect())
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::{Identity, SeriesHasher};
    use crate::entry::{Label, Name};
    use crate::metric_type::MetricType;

    fn labels<'a>(pairs: &[(&'a str, &'a str)]) -> Vec<Label<'a>> {
        let label = |(name, value): &(&'a str, &'a str)| Label {
            name: Name {
                text: name.as_bytes(),
                quoted: false,
            },
            value: value.as_bytes(),
        };
        pairs.iter().map(label).collect()
    }

    #[test]
    fn bounds_and_quantiles_are_compared_by_value() {
        type Labels = &'static [(&'static str, &'static str)];
        let cases: [(MetricType, Labels, Labels, bool); 9] = [
            (
                MetricType::Histogram,
                &[("le", "1")],
                &[("le", "1.0")],
                true,
            ),
            (
                MetricType::Histogram,
                &[("le", "1e0")],
                &[("le", "+1")],
                true,
            ),
            (
                MetricType::Histogram,
                &[("le", "inf")],
                &[("le", "+Inf")],
                true,
            ),
            (MetricType::Histogram, &[("le", "1")], &[("le", "2")], false),
            (
                MetricType::Summary,
                &[("quantile", ".5")],
                &[("quantile", "0.50")],
                true,
            ),
            (MetricType::Summary, &[("le", "1")], &[("le", "1.0")], false),
            (MetricType::Gauge, &[("le", "1")], &[("le", "1.0")], false),
            (
                MetricType::Gauge,
                &[("a", "x"), ("b", "y\\n")],
                &[("b", "y\n"), ("c", ""), ("a", "x")],
                true,
            ),
            (
                MetricType::Gauge,
                &[("a", "x")],
                &[("a", "x"), ("b", "y")],
                false,
            ),
        ];
        let hasher = SeriesHasher::default();
        for (metric_type, one, other, same) in cases {
            let identity = Identity::of_series(Some(metric_type));
            let (one, other) = (labels(one), labels(other));
            assert_eq!(identity.same(&one, &other), same, "{one:?} {other:?}");
            let hash = |labels| hasher.hash(b"m", labels, &identity);
            assert_eq!(hash(&one) == hash(&other), same, "{one:?} {other:?}");
        }
    }
}
