//! Names and bodies in each scheme.

use super::{EscapingError, EscapingScheme, escape_names};
use crate::format::Format;
use crate::rules::{FormatChoice, Rules};
use crate::{check, summarize};
use EscapingScheme::{Dots, Underscores, Values};
use proptest::prelude::*;

fn escape(body: &str, format: Format, scheme: EscapingScheme) -> Result<String, EscapingError> {
    let escaped = escape_names(body.as_bytes(), format, scheme)?;
    Ok(String::from_utf8(escaped).unwrap())
}

/// The results of `EscapeName` in `prometheus/common`.
#[test]
fn names_are_escaped_as_prometheus_does() {
    let cases = [
        (
            "my.metric_with.dots",
            "my_metric_with_dots",
            "my_dot_metric__with_dot_dots",
            "U__my_2e_metric__with_2e_dots",
        ),
        (
            "http.status:sum",
            "http_status:sum",
            "http_dot_status:sum",
            "U__http_2e_status:sum",
        ),
        ("1st.name", "_st_name", "__st_dot_name", "U___31_st_2e_name"),
        (
            "label with 😱",
            "label_with__",
            "label__with____",
            "U__label_20_with_20__1f631_",
        ),
        ("花火", "__", "____", "U___82b1__706b_"),
        ("foo_bar", "foo_bar", "foo_bar", "foo_bar"),
        ("a:b", "a:b", "a:b", "a:b"),
        ("", "", "", ""),
    ];
    for (name, underscores, dots, values) in cases {
        for (scheme, expected) in [(Underscores, underscores), (Dots, dots), (Values, values)] {
            assert_eq!(scheme.escape(name), expected, "{scheme:?} {name}");
            let label = scheme.escape_label(name);
            assert_eq!(label, expected.replace(':', "_"), "{scheme:?} {name}");
        }
    }
}

#[test]
fn every_position_of_a_name_is_escaped_and_the_rest_stays() {
    let body = "# a comment with \"a.b\"\n\
                # HELP \"a.b\" Text with \"a.b\" \\n and \\\\.\n\
                # TYPE \"a.b\" gauge\n\
                {\"a.b\"} 1 1700000000000\n\
                {\"a.b\",\"c.d\"=\"e.\\\"f\",g=\"h\"}  2\n\
                plain{\"x:y\"=\"z\"} +Inf\n\
                plain { other = \"1\" , } 16 5\n\
                {\"legacy\", empty=\"\", \"e.e\"=\"\"} NaN\n";
    let expected = "# a comment with \"a.b\"\n\
                    # HELP a_b Text with \"a.b\" \\n and \\\\.\n\
                    # TYPE a_b gauge\n\
                    a_b 1 1700000000000\n\
                    a_b{c_d=\"e.\\\"f\",g=\"h\"} 2\n\
                    plain{x_y=\"z\"} +Inf\n\
                    plain { other = \"1\" , } 16 5\n\
                    legacy NaN\n";
    let found = escape(body, Format::Text, Underscores).unwrap();
    assert_eq!(found, expected);
    let plain = "a 1\n# TYPE b counter\nb{c=\"d\"} 2";
    assert_eq!(escape(plain, Format::Text, Values).unwrap(), plain);
}

#[test]
fn samples_have_the_escaped_name_of_their_family_with_its_suffix() {
    let body = "# TYPE \"a.b_c\" histogram\n\
                {\"a.b_c_bucket\",le=\"+Inf\"} 1\n\
                {\"a.b_c_sum\"} 1\n\
                {\"a.b_c_count\"} 1\n\
                {\"x.y_count\"} 1\n";
    let expected = "# TYPE a_dot_b__c histogram\n\
                    a_dot_b__c_bucket{le=\"+Inf\"} 1\n\
                    a_dot_b__c_sum 1\n\
                    a_dot_b__c_count 1\n\
                    x_dot_y__count 1\n";
    assert_eq!(escape(body, Format::Text, Dots).unwrap(), expected);
    // Wherever the TYPE line is.
    let (first, rest) = body.split_once('\n').unwrap();
    let (first_expected, rest_expected) = expected.split_once('\n').unwrap();
    let found = escape(&format!("{rest}{first}\n"), Format::Text, Dots).unwrap();
    assert_eq!(found, format!("{rest_expected}{first_expected}\n"));
}

#[test]
fn openmetrics_is_escaped_with_units_and_exemplars() {
    let body = "# TYPE \"a.b_seconds\" counter\n\
                # UNIT \"a.b_seconds\" seconds\n\
                {\"a.b_seconds_total\",\"l.m\"=\"1\"} 2 3.5 # {\"trace.id\"=\"}x\"} 4 5\n\
                c_total 1 # {\"y.z\"=\"1\",w=\"2\"} 2\n\
                # EOF\n";
    let expected = "# TYPE U__a_2e_b__seconds counter\n\
                    # UNIT U__a_2e_b__seconds seconds\n\
                    U__a_2e_b__seconds_total{U__l_2e_m=\"1\"} 2 3.5 # {U__trace_2e_id=\"}x\"} 4 5\n\
                    c_total 1 # {U__y_2e_z=\"1\",w=\"2\"} 2\n\
                    # EOF\n";
    assert_eq!(escape(body, Format::OpenMetrics, Values).unwrap(), expected);
}

#[test]
fn names_that_become_the_same_are_an_error_that_names_both() {
    let cases = [
        ("{\"a.b\"} 1\na_b 2\n", "a.b", "a_b"),
        ("a_b 2\n{\"a.b\"} 1\n", "a_b", "a.b"),
        ("{\"a.b\"} 1\n{\"a-b\"} 2\n", "a.b", "a-b"),
        ("# TYPE a_b gauge\n{\"a.b\"} 1\n", "a_b", "a.b"),
        ("a{\"b.c\"=\"1\",b_c=\"1\"} 1\n", "b.c", "b_c"),
        ("a{b_c=\"1\"} 1\na{\"b.c\"=\"1\"} 1\n", "b.c", "b_c"),
        ("a{\"b.c\"=\"1\",\"b:c\"=\"1\"} 1\n", "b.c", "b:c"),
        ("{\"花\"} 1\n{\"火\"} 1\n", "花", "火"),
    ];
    for (body, one, other) in cases {
        let error = escape(body, Format::Text, Underscores).unwrap_err();
        let EscapingError::Collision { first, second, .. } = &error else {
            panic!("{body}: {error}");
        };
        assert_eq!((first.as_str(), second.as_str()), (one, other), "{body}");
        assert!(error.to_string().contains("would both become `"), "{error}");
    }
    for harmless in [
        // Labels of different metrics.
        "a{\"b.c\"=\"1\"} 1\nd{b_c=\"1\"} 1\n",
        // A label with an empty value does not exist.
        "a{\"b.c\"=\"\",b_c=\"1\"} 1\n",
        "{\"a_b\"} 1\na_b{c=\"1\"} 1\n",
        "{\"a.b\"} 1\n{\"a.b\",c=\"1\"} 1\n",
    ] {
        assert!(
            escape(harmless, Format::Text, Underscores).is_ok(),
            "{harmless}"
        );
    }
    assert!(escape("{\"a.b\"} 1\na_b 2\n", Format::Text, Values).is_ok());
}

#[test]
fn what_cannot_be_rewritten_is_an_error() {
    let unsupported = |body: &[u8], format| {
        let error = escape_names(body, format, Underscores).unwrap_err();
        matches!(error, EscapingError::Unsupported(_))
    };
    assert!(unsupported(b"", Format::Protobuf));
    assert!(unsupported(b"{\"a.b\",c=\"d\0\"} 1\n", Format::Text));
    assert!(unsupported(b"a{\"__name._\"=\"d\"} 1\n", Format::Text));
    let tiny: String = (0..10_000)
        .map(|_| "{\" \",\"!\"=\"x\",\"?\"=\"x\"} 1\n")
        .collect();
    assert!(escape(&tiny, Format::Text, Values).is_ok());
    let many = ",\"!\"=\"\"".repeat(10_000);
    let grown = escape(&format!("{{\"a b\"{many}}} 1\n"), Format::Text, Values);
    assert_eq!(grown.unwrap(), "U__a_20_b 1\n", "empty labels are left out");
    let invalid = escape_names(b"a 1\n!\n", Format::Text, Underscores);
    assert!(matches!(invalid, Err(EscapingError::Invalid(fault)) if fault.line == 2));
}

/// Names with every kind of character.
fn name() -> impl Strategy<Value = String> {
    proptest::string::string_regex("[a-zA-Z0-9_:.é花😱 \\-]{1,8}").unwrap()
}

/// Lines of the text format with quoted names.
fn line() -> impl Strategy<Value = String> {
    let label =
        (name(), "[a-z}{, ]{0,4}").prop_map(|(name, value)| format!("\"{name}\"=\"{value}\""));
    let labels = proptest::collection::vec(label, 0..3);
    prop_oneof![
        (name(), labels, 0..9_u8).prop_map(|(name, labels, value)| {
            let labels: String = labels.iter().map(|label| format!(",{label}")).collect();
            format!("{{\"{name}\"{labels}}} {value}\n")
        }),
        (name(), prop_oneof!["gauge", "histogram", "summary"])
            .prop_map(|(name, kind)| format!("# TYPE \"{name}\" {kind}\n")),
        (name(), "[a-z \"]{0,6}").prop_map(|(name, help)| format!("# HELP \"{name}\" {help}\n")),
    ]
}

/// Pieces of lines in any order, of which some form a body.
fn soup() -> impl Strategy<Value = String> {
    let pieces = [
        "{",
        "}",
        "\"a.b\"",
        "\"c\"",
        "\"\"",
        "\"d\\\"\\\\\\n\"",
        "e",
        "=",
        ",",
        " ",
        "\t",
        " 1",
        " 1 2",
        "\n",
        "\0",
        "# TYPE ",
        " gauge",
        " counter",
        "# HELP ",
        "# UNIT ",
        "_total",
        " # {",
        "# EOF\n",
        ":",
        "é",
        "{\"a.b\"} 1\n",
        "a{\"b.c\"=\"d\"} 1\n",
        "{\"a.b_total\",\"x\"=\"\"} 1 # {\"y.z\"=\"1\"} 1\n",
    ];
    proptest::collection::vec(proptest::sample::select(pieces.to_vec()), 1..14)
        .prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn whatever_is_accepted_is_refused_or_still_accepted_after_escaping(
        body in soup(),
        scheme in proptest::sample::select(&EscapingScheme::ALL[..]),
        is_text in any::<bool>(),
    ) {
        let (format, choice, body) = match is_text {
            true => (Format::Text, FormatChoice::Text, body),
            false => (Format::OpenMetrics, FormatChoice::OpenMetrics, body + "# EOF\n"),
        };
        let rules = Rules { format: choice, ..Rules::default() };
        let Ok(before) = check(body.as_bytes(), &rules) else {
            return Ok(());
        };
        match escape_names(body.as_bytes(), format, scheme) {
            Ok(escaped) => {
                let after = check(&escaped, &rules);
                let after = after.map_err(|fault| TestCaseError::fail(fault.to_string()))?;
                prop_assert!(!after.quoted_names && !after.needs_utf8);
                prop_assert_eq!(after.samples, before.samples);
            }
            Err(EscapingError::Invalid(fault)) => prop_assert!(false, "{}", fault),
            Err(_) => {}
        }
    }
}

proptest! {
    #[test]
    fn an_escaped_body_is_valid_without_quotes_and_has_the_same_samples(
        lines in proptest::collection::vec(line(), 1..6),
        scheme in proptest::sample::select(&EscapingScheme::ALL[..]),
    ) {
        let body = lines.concat();
        let rules = Rules { format: FormatChoice::Text, ..Rules::default() };
        let Ok(before) = check(body.as_bytes(), &rules) else {
            return Ok(());
        };
        let Ok(escaped) = escape_names(body.as_bytes(), Format::Text, scheme) else {
            return Ok(());
        };
        let after = check(&escaped, &rules).unwrap();
        prop_assert!(!after.quoted_names && !after.needs_utf8);
        prop_assert_eq!((after.samples, after.families), (before.samples, before.families));
        let again = escape_names(&escaped, Format::Text, scheme).unwrap();
        prop_assert_eq!(&again, &escaped);
        prop_assert!(!summarize(&escaped, Format::Text).quoted_names);
    }
}
