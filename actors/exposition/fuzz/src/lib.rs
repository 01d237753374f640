//! The fuzz target of the checker: any bytes, at every level and in every format.
//!
//! Rules: no panic; each level accepts a subset of the one below it; every fault has a position that exists and a message
//! without control characters; a body that is accepted is still accepted after stripping its timestamps, escaping its names,
//! and joining it with itself. The program in `fuzz_targets/` runs [`run`] under libFuzzer; a test runs it on the inputs in `corpus/`.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a fuzz target reports a fault"
)]

pub mod corpus;

use local_exporter_exposition::{
    Check, EscapingError, EscapingScheme, FinalNewline, Format, FormatChoice, JoinRules, Rules,
    Timestamps, check, detect_format, escape_names, join, list_faults, strip_timestamps,
};

const FORMATS: [FormatChoice; 4] = [
    FormatChoice::Auto,
    FormatChoice::Text,
    FormatChoice::OpenMetrics,
    FormatChoice::Protobuf,
];

/// Checks one body at every level and in every format. Panics if a rule is broken.
pub fn run(body: &[u8]) {
    for format in FORMATS {
        for final_newline in [FinalNewline::Required, FinalNewline::MayBeMissing] {
            let rules = |check| Rules {
                check,
                format,
                allow_empty: false,
                final_newline,
            };
            let accepted = |level| check(body, &rules(level)).is_ok();
            let (strict, ingest) = (accepted(Check::Strict), accepted(Check::Ingest));
            assert!(ingest || !strict, "strict accepts what ingest refuses");
            assert!(
                accepted(Check::Whole) || !ingest,
                "ingest accepts what whole refuses"
            );
            assert!(accepted(Check::None), "none refuses");

            for level in [Check::Strict, Check::Ingest, Check::Whole] {
                let faults = list_faults(body, &rules(level));
                assert_eq!(faults.is_empty(), accepted(level), "{faults:?}");
                let lines = body.split(|byte| *byte == b'\n').count();
                for fault in &faults {
                    assert!(fault.line >= 1 && fault.column >= 1, "{fault:?}");
                    let has_lines = detect_format(body, format) != Format::Protobuf;
                    assert!(!has_lines || fault.line <= lines, "{fault:?}");
                    assert!(
                        !fault.to_string().chars().any(char::is_control),
                        "{fault:?}"
                    );
                }
            }
            if ingest {
                stays_accepted(body, &rules(Check::Ingest));
            }
        }
    }
}

/// Checks that the results of stripping and joining are accepted.
fn stays_accepted(body: &[u8], rules: &Rules) {
    let format = match detect_format(body, rules.format) {
        Format::Text => FormatChoice::Text,
        Format::OpenMetrics => FormatChoice::OpenMetrics,
        Format::Protobuf => return,
    };
    let rules = Rules { format, ..*rules };
    let stripped = strip_timestamps(body, format).expect("an accepted body can be stripped");
    let summary = check(&stripped, &rules).expect("a stripped body is accepted");
    assert_eq!(summary.newest_timestamp_ms, None);

    let lenient = Rules {
        allow_empty: true,
        ..rules
    };
    escaped_stays_accepted(body, &rules);
    for timestamps in [Timestamps::Kept, Timestamps::Stripped] {
        let joined = join(
            &[("a", body), ("b", body)],
            JoinRules { format, timestamps },
        );
        check(&joined.body, &lenient).expect("a joined body is accepted");
    }
}

/// Checks that the names of a body can be escaped, unless there is a reason, and that the result is accepted without quotes.
fn escaped_stays_accepted(body: &[u8], rules: &Rules) {
    let before = check(body, rules).expect("the body is accepted");
    for scheme in EscapingScheme::ALL {
        match escape_names(body, before.format, scheme) {
            Ok(escaped) => {
                let after = check(&escaped, rules).expect("an escaped body is accepted");
                assert_eq!(after.samples, before.samples);
                assert!(!after.quoted_names && !after.needs_utf8);
            }
            Err(EscapingError::Invalid(fault)) => panic!("an accepted body has a fault: {fault}"),
            Err(error) => assert!(!error.to_string().chars().any(char::is_control)),
        }
    }
}
