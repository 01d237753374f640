//! The characters of metric and label names without quotes.
//!
//! These are the names that were valid before Prometheus allowed UTF-8: `[a-zA-Z_:][a-zA-Z0-9_:]*` for metrics and
//! `[a-zA-Z_][a-zA-Z0-9_]*` for labels (`model/metric.go` and `model/labels.go` of `prometheus/common`, which call them
//! legacy names).

pub(crate) const fn starts_name(byte: u8) -> bool {
    byte == b':' || starts_label(byte)
}

pub(crate) const fn starts_label(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphabetic()
}

pub(crate) const fn continues_name(byte: u8) -> bool {
    byte == b':' || continues_label(byte)
}

pub(crate) const fn continues_label(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric()
}

/// Whether `name` is a metric name that needs no quotes.
pub(crate) fn is_legacy_metric_name(name: &[u8]) -> bool {
    name.first().is_some_and(|byte| starts_name(*byte))
        && name.iter().all(|byte| continues_name(*byte))
}

/// Whether `name` is a label name that needs no quotes.
pub(crate) fn is_legacy_label_name(name: &[u8]) -> bool {
    name.first().is_some_and(|byte| starts_label(*byte))
        && name.iter().all(|byte| continues_label(*byte))
}

#[cfg(test)]
mod tests {
    use super::{is_legacy_label_name, is_legacy_metric_name};

    #[test]
    fn legacy_names_have_letters_digits_underscores_and_colons() {
        for (name, metric, label) in [
            ("a:b", true, false),
            ("a_1", true, true),
            ("1a", false, false),
            ("", false, false),
            ("a.b", false, false),
        ] {
            assert_eq!(is_legacy_metric_name(name.as_bytes()), metric, "{name}");
            assert_eq!(is_legacy_label_name(name.as_bytes()), label, "{name}");
        }
    }
}
