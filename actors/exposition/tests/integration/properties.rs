//! Properties of all bodies, tested on bodies generated from the grammars.

use local_exporter_exposition::{
    Check, FinalNewline, FormatChoice, Rules, check, strip_timestamps,
};
use proptest::prelude::*;

fn name() -> impl Strategy<Value = String> {
    "[a-zA-Z_:][a-zA-Z0-9_:]{0,8}"
}

fn labels() -> impl Strategy<Value = String> {
    // Any characters, escaped as the text format requires.
    let value = any::<String>().prop_map(|value| {
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
        escaped.replace('\n', "\\n")
    });
    let names = prop::sample::subsequence(vec!["a", "b_c", "_d", "le"], 0..=4);
    (names, prop::collection::vec(value, 4)).prop_map(|(names, values)| {
        let pair = |(name, value): (&str, String)| format!("{name}=\"{value}\"");
        let pairs: Vec<_> = names.into_iter().zip(values).map(pair).collect();
        if pairs.is_empty() {
            String::new()
        } else {
            format!("{{{}}}", pairs.join(","))
        }
    })
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i32>().prop_map(|value| value.to_string()),
        any::<f64>().prop_map(|value| format!("{value:e}")),
        Just("NaN".to_owned()),
        Just("+Inf".to_owned()),
        Just("-Inf".to_owned()),
    ]
}

fn sample(timestamp: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    (name(), labels(), value(), timestamp)
        .prop_map(|(name, labels, value, timestamp)| format!("{name}{labels} {value}{timestamp}\n"))
}

fn text() -> impl Strategy<Value = String> {
    let timestamp = prop_oneof![
        Just(String::new()),
        // Prometheus' lexer accepts no sign before a timestamp (`promlex.l`).
        (0..=i64::MAX).prop_map(|stamp| format!(" {stamp}")),
    ];
    let line = prop_oneof![
        4 => sample(timestamp),
        1 => (name(), "[^\\x00\n\\\\]{0,20}").prop_map(|(name, help)| format!("# HELP {name} {help}\n")),
        1 => name().prop_map(|name| format!("# TYPE {name} gauge\n")),
        1 => Just("\n".to_owned()),
        1 => "[^\\x00\n]{0,20}".prop_map(|comment| format!("# a comment {comment}\n")),
    ];
    prop::collection::vec(line, 1..12).prop_map(|lines| lines.concat())
}

fn openmetrics() -> impl Strategy<Value = String> {
    let timestamp = prop_oneof![
        Just(String::new()),
        any::<u32>().prop_map(|stamp| format!(" {stamp}.5")),
    ];
    let samples = prop::collection::vec(sample(timestamp), 1..12);
    samples.prop_map(|samples| samples.concat() + "# EOF\n")
}

fn rules(format: FormatChoice) -> Rules {
    Rules {
        check: Check::Ingest,
        format,
        allow_empty: false,
        final_newline: FinalNewline::Required,
    }
}

proptest! {
    /// Text that was cut off is refused, unless it was cut between two lines.
    #[test]
    fn truncated_text_is_refused_except_between_lines(body in text()) {
        let rules = rules(FormatChoice::Text);
        prop_assert_eq!(check(body.as_bytes(), &rules).map(drop), Ok(()), "{}", body);
        for end in 0..body.len() {
            let cut = &body.as_bytes()[..end];
            let whole = cut.ends_with(b"\n");
            prop_assert_eq!(check(cut, &rules).is_ok(), whole, "{}", cut.escape_ascii());
        }
    }

    /// OpenMetrics has an end mark, so only the last line feed may be missing.
    #[test]
    fn truncated_openmetrics_is_refused(body in openmetrics()) {
        let rules = rules(FormatChoice::OpenMetrics);
        prop_assert_eq!(check(body.as_bytes(), &rules).map(drop), Ok(()), "{}", body);
        for end in 0..body.len() - 1 {
            let cut = &body.as_bytes()[..end];
            prop_assert!(check(cut, &rules).is_err(), "{}", cut.escape_ascii());
        }
    }

    /// With a detected format, a truncated body is refused unless the rest is complete text.
    #[test]
    fn truncated_bodies_of_detected_format_are_refused_unless_they_are_complete_text(body in openmetrics()) {
        for end in 0..body.len() - 1 {
            let cut = &body.as_bytes()[..end];
            let text = check(cut, &rules(FormatChoice::Text)).is_ok();
            prop_assert_eq!(check(cut, &rules(FormatChoice::Auto)).is_ok(), text);
        }
    }

    #[test]
    fn stripping_removes_all_timestamps_and_nothing_else(body in text()) {
        let stripped = strip_timestamps(body.as_bytes(), FormatChoice::Text).unwrap();
        let summary = check(&stripped, &rules(FormatChoice::Text)).unwrap();
        let before = check(body.as_bytes(), &rules(FormatChoice::Text)).unwrap();
        prop_assert_eq!(summary.newest_timestamp_ms, None);
        prop_assert_eq!((summary.samples, summary.families), (before.samples, before.families));
        let again = strip_timestamps(&stripped, FormatChoice::Text).unwrap();
        prop_assert_eq!(&again, &stripped);
    }
}
