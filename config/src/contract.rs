//! What an answer must be to be passed on: checked how far, in which format,
//! with which timestamps.
//!
//! Only words; judging bodies is not this crate's business.

use crate::table::Table;
use crate::value::{FromValue, describe};
use config::{Value, ValueKind};

/// The terms on which answers of a selector are passed on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Contract {
    /// How much of a body is judged.
    pub check: Check,
    /// The format a body must be in.
    pub format: FormatChoice,
    /// What becomes of samples' timestamps.
    pub timestamps: Timestamps,
    /// Whether an answer of no bytes is an answer.
    pub allow_empty: bool,
}

/// How much of a body is judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Check {
    /// Accepted where Prometheus would ingest all of it.
    #[default]
    Ingest,
    /// The rules of the format's specification as well.
    Strict,
    /// Only that the body is whole.
    Whole,
    /// Nothing: the body passes as it comes.
    None,
}

/// Which format a body is to be read as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FormatChoice {
    /// Decided from the bytes.
    #[default]
    Auto,
    /// Read as Prometheus text.
    Text,
    /// Read as `OpenMetrics`.
    OpenMetrics,
    /// Read as delimited protobuf.
    Protobuf,
}

/// What becomes of the timestamps of samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Timestamps {
    /// They pass.
    #[default]
    Keep,
    /// They are taken off the sample lines.
    Strip,
    /// A body that has any is refused.
    Reject,
}

/// A type whose values are words.
trait Word: Sized + Copy + 'static {
    const WORDS: &'static [(&'static str, Self)];
    const EXPECTED: &'static str;
}

/// The word for one of `T`'s values.
fn word<T: Word>(value: &Value) -> Result<T, String> {
    let ValueKind::String(text) = &value.kind else {
        return Err(describe(value));
    };
    let known = T::WORDS.iter().find(|(word, _)| word == text);
    known
        .map(|(_, meant)| *meant)
        .ok_or_else(|| describe(value))
}

impl Word for Check {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("ingest", Self::Ingest),
        ("strict", Self::Strict),
        ("whole", Self::Whole),
        ("none", Self::None),
    ];
    const EXPECTED: &'static str = "one of \"ingest\", \"strict\", \"whole\", \"none\"";
}

impl Word for FormatChoice {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("auto", Self::Auto),
        ("text", Self::Text),
        ("openmetrics", Self::OpenMetrics),
        ("protobuf", Self::Protobuf),
    ];
    const EXPECTED: &'static str = "one of \"auto\", \"text\", \"openmetrics\", \"protobuf\"";
}

impl Word for Timestamps {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("keep", Self::Keep),
        ("strip", Self::Strip),
        ("reject", Self::Reject),
    ];
    const EXPECTED: &'static str = "one of \"keep\", \"strip\", \"reject\"";
}

impl<T: Word> FromValue for T {
    const EXPECTED: &'static str = T::EXPECTED;

    fn from_value(value: &Value) -> Result<Self, String> {
        word(value)
    }
}

impl Contract {
    /// Reads the terms out of a table, the rest from `defaults`.
    pub(crate) fn read(table: &mut Table<'_, '_>, defaults: Self) -> Self {
        let contract = Self {
            check: table.take("check").unwrap_or(defaults.check),
            format: table.take("format").unwrap_or(defaults.format),
            timestamps: table.take("timestamps").unwrap_or(defaults.timestamps),
            allow_empty: table.take("allow_empty").unwrap_or(defaults.allow_empty),
        };
        contract.complain(table);
        contract
    }

    /// Terms that are right one by one and cannot be kept together.
    fn complain(self, table: &Table<'_, '_>) {
        let word = match self.timestamps {
            Timestamps::Keep => return,
            Timestamps::Strip => "strip",
            Timestamps::Reject => "reject",
        };
        if matches!(self.check, Check::Whole | Check::None) {
            let found = format!("{word:?} with a check that does not read samples");
            let expected = "\"keep\", or check = \"ingest\" or \"strict\"";
            table.complain("timestamps", found, expected);
        }
        if self.timestamps == Timestamps::Strip && self.format == FormatChoice::Protobuf {
            let found = "\"strip\" with format = \"protobuf\"".to_owned();
            table.complain("timestamps", found, "\"keep\" or \"reject\"");
        }
    }
}
