//! Files with different families lose nothing.

use super::as_format;
use crate::metric_type::Dialect;
use crate::{FormatChoice, join};

/// A file with families of its own, from numbers that decide about their types and lines.
fn file_of_families(name: &str, families: &[(u8, u8)], dialect: Dialect) -> String {
    let mut body = String::new();
    for (number, (kind, samples)) in families.iter().enumerate() {
        let family = format!("{name}_{number}");
        let (metric_type, suffix) = match (kind % 4, dialect) {
            (0, Dialect::OpenMetrics) => ("counter", "_total"),
            (0, Dialect::Text) => ("counter", ""),
            (1, _) => ("gauge", ""),
            (2, _) => ("summary", "_count"),
            _ => ("", ""),
        };
        if !metric_type.is_empty() {
            body.push_str(&format!(
                "# HELP {family} x\n# TYPE {family} {metric_type}\n"
            ));
        }
        for sample in 0..samples % 4 {
            body.push_str(&format!("{family}{suffix}{{s=\"{sample}\"}} 1\n"));
        }
    }
    body
}

proptest::proptest! {
    /// Files with different families lose no line: all metadata and all samples are in the joined body once.
    #[test]
    fn no_line_of_different_families_is_lost(
        files in proptest::collection::vec(proptest::collection::vec(proptest::prelude::any::<(u8, u8)>(), 1..6), 2..5),
        openmetrics: bool,
    ) {
        let dialect = if openmetrics { Dialect::OpenMetrics } else { Dialect::Text };
        let names = ["a", "b", "c", "d"];
        let mut expected = Vec::new();
        let mut bodies = Vec::new();
        for (name, families) in names.into_iter().zip(&files) {
            let mut body = file_of_families(name, families, dialect);
            expected.extend(body.lines().map(str::to_owned));
            if openmetrics {
                body.push_str("# EOF\n");
            }
            bodies.push((name, body));
        }
        let input: Vec<(&str, &[u8])> = bodies.iter().map(|(name, body)| (*name, body.as_bytes())).collect();
        let format = if openmetrics { FormatChoice::OpenMetrics } else { FormatChoice::Text };
        let joined = join(&input, as_format(format));
        let text = String::from_utf8(joined.body).unwrap_or_default();
        let mut found: Vec<String> = text.lines().filter(|line| *line != "# EOF").map(str::to_owned).collect();
        if input.iter().filter(|(_, body)| !body.is_empty()).count() > 1 {
            found.sort();
            expected.sort();
            proptest::prop_assert_eq!(found, expected);
            proptest::prop_assert_eq!((joined.duplicates, joined.conflicts.len()), (0, 0));
        }
    }
}
