//! Maps the settings of a selector to the rules of the checker.
//!
//! The crates of the configuration and of the checker do not depend on each other. Each has its own types, and only this
//! module translates between them.

use local_exporter_config as config;
use local_exporter_exposition::{Check, FinalNewline, FormatChoice, Rules};

/// The rules for bodies of a selector with this policy.
pub(crate) fn rules(policy: config::BodyPolicy, final_newline: FinalNewline) -> Rules {
    Rules {
        check: check(policy.check),
        format: format(policy.format),
        allow_empty: policy.allow_empty,
        final_newline,
    }
}

fn check(check: config::Check) -> Check {
    match check {
        config::Check::Ingest => Check::Ingest,
        config::Check::Strict => Check::Strict,
        config::Check::Whole => Check::Whole,
        config::Check::None => Check::None,
    }
}

fn format(format: config::FormatChoice) -> FormatChoice {
    match format {
        config::FormatChoice::Auto => FormatChoice::Auto,
        config::FormatChoice::Text => FormatChoice::Text,
        config::FormatChoice::OpenMetrics => FormatChoice::OpenMetrics,
        config::FormatChoice::Protobuf => FormatChoice::Protobuf,
    }
}
