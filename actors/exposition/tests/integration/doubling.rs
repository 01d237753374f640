//! The time of every function grows in proportion to its input, whatever the input consists of.
//!
//! Each case is measured at one size and at eight times that size, in CPU time of the thread, so that other processes
//! hardly matter. Linear code takes about eight times as long, quadratic code 64 times. A case that takes more than
//! [`MAX_GROWTH`] times as long is measured again before the test fails.

mod bodies;
mod messages;
mod parts;

use bodies::{MANY_FAMILIES_OPENMETRICS, MANY_FAMILIES_TEXT, OPENMETRICS, TEXT};
use local_exporter_exposition::{
    Check, EscapingScheme, FormatChoice, JoinRules, Rules, Timestamps, check, detect_format,
    escape_names, join, list_faults, strip_timestamps, summarize,
};
use messages::PROTOBUF;
use parts::Shape;
use std::hint::black_box;
use std::time::Duration;

/// How much larger the second body is.
const GROWTH: usize = 8;

/// The growth of the time that is a failure; between 8 (linear) and 64 (quadratic).
const MAX_GROWTH: f64 = 18.0;

/// How often a case is measured before it fails.
const ATTEMPTS: usize = 6;

/// The CPU time of this thread.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap()
}

fn measure(body: &[u8], run: Operation<'_>) -> Duration {
    let start = cpu_time();
    run(black_box(body));
    cpu_time().saturating_sub(start)
}

/// The growth of the time, if it exceeds the limit each time that it is measured.
fn excess(shape: &Shape, run: Operation<'_>) -> Option<f64> {
    let small = (shape.make)(shape.size);
    let large = (shape.make)(shape.size * GROWTH);
    // What takes less is not measured exactly enough.
    let floor = Duration::from_micros(100);
    let (mut short, mut long) = (Duration::MAX, Duration::MAX);
    let mut growth = f64::INFINITY;
    for _ in 0..ATTEMPTS {
        short = short.min(measure(&small, run)).max(floor);
        long = long.min(measure(&large, run));
        growth = long.as_secs_f64() / short.as_secs_f64();
        if growth <= MAX_GROWTH {
            return None;
        }
    }
    Some(growth)
}

/// A function of this crate, applied to a body.
type Operation<'o> = &'o dyn Fn(&[u8]);

/// Runs every operation on every shape, and lists those that are not linear.
fn all_are_linear(shapes: &[Shape], operations: &[(&str, Operation<'_>)]) {
    let mut slow = Vec::new();
    for shape in shapes {
        for (operation, run) in operations {
            if let Some(growth) = excess(shape, run) {
                slow.push(format!("{operation} of {}: {growth:.1} times", shape.name));
            }
        }
    }
    assert!(slow.is_empty(), "for {GROWTH} times the input: {slow:#?}");
}

fn rules(level: Check, format: FormatChoice) -> Rules {
    Rules {
        check: level,
        format,
        ..Rules::default()
    }
}

fn checks_are_linear(shapes: &[Shape], format: FormatChoice) {
    let level = |level| move |body: &[u8]| drop(black_box(check(body, &rules(level, format))));
    let faults = |level| {
        move |body: &[u8]| {
            black_box(list_faults(body, &rules(level, format)));
        }
    };
    all_are_linear(
        shapes,
        &[
            ("ingest", &level(Check::Ingest)),
            ("strict", &level(Check::Strict)),
            ("whole", &level(Check::Whole)),
            ("faults", &faults(Check::Ingest)),
            ("strict faults", &faults(Check::Strict)),
            ("detection", &|body| {
                let detected = detect_format(body, FormatChoice::Auto);
                black_box(summarize(body, detected));
            }),
            ("stripping", &|body| {
                drop(black_box(strip_timestamps(body, format)));
            }),
            ("escaping", &|body| {
                let format = detect_format(body, format);
                for scheme in [EscapingScheme::Underscores, EscapingScheme::Values] {
                    drop(black_box(escape_names(body, format, scheme)));
                }
            }),
        ],
    );
}

fn joins_are_linear(shapes: &[Shape], format: FormatChoice, other: &[u8]) {
    let with = |timestamps, first: bool| {
        move |body: &[u8]| {
            let rules = JoinRules { format, timestamps };
            let mut files = [("one", body), ("two", other)];
            if !first {
                files.swap(0, 1);
            }
            black_box(join(&files, rules));
        }
    };
    all_are_linear(
        shapes,
        &[
            ("join before another", &with(Timestamps::Kept, true)),
            ("join after another", &with(Timestamps::Stripped, false)),
            ("join with itself", &|body| {
                let rules = JoinRules {
                    format,
                    ..JoinRules::default()
                };
                black_box(join(&[("one", body), ("two", body)], rules));
            }),
        ],
    );
}

#[test]
fn checks_of_text_take_linear_time() {
    checks_are_linear(TEXT, FormatChoice::Text);
}

#[test]
fn checks_of_openmetrics_take_linear_time() {
    checks_are_linear(OPENMETRICS, FormatChoice::OpenMetrics);
}

#[test]
fn checks_of_protobuf_take_linear_time() {
    checks_are_linear(PROTOBUF, FormatChoice::Protobuf);
}

/// What a family leaves behind must not cost the families after it anything.
#[test]
fn strict_checks_take_linear_time_in_the_number_of_families() {
    let strict =
        |format| move |body: &[u8]| drop(black_box(check(body, &rules(Check::Strict, format))));
    all_are_linear(
        MANY_FAMILIES_TEXT,
        &[("strict", &strict(FormatChoice::Text))],
    );
    let openmetrics = strict(FormatChoice::OpenMetrics);
    all_are_linear(MANY_FAMILIES_OPENMETRICS, &[("strict", &openmetrics)]);
}

#[test]
fn joins_of_text_take_linear_time() {
    let other = b"# TYPE a histogram\n# TYPE b_c counter\nother_d 1\n";
    joins_are_linear(TEXT, FormatChoice::Text, other);
}

#[test]
fn joins_of_openmetrics_take_linear_time() {
    let other = b"# TYPE a histogram\n# TYPE b_c counter\nother_d 1\n# EOF\n";
    joins_are_linear(OPENMETRICS, FormatChoice::OpenMetrics, other);
}
