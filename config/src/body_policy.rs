//! What an answer must be to be passed on: checked how far, in which format,
//! with which timestamps.
//!
//! Only words; judging bodies is not this crate's business.

use crate::table::Table;
use crate::value::{FromValue, describe};
use config::{Value, ValueKind};

/// The terms on which answers of a selector are passed on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BodyPolicy {
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

/// Gives an enum its words. One list serves reading, showing, and what is said of others.
macro_rules! words {
    ($name:ident: $first_word:literal = $first:ident $(, $word:literal = $variant:ident)*) => {
        impl $name {
            /// The word for it in a configuration.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    Self::$first => $first_word,
                    $(Self::$variant => $word,)*
                }
            }
        }

        impl FromValue for $name {
            const EXPECTED: &'static str =
                concat!("one of \"", $first_word, "\"" $(, ", \"", $word, "\"")*);

            fn from_value(value: &Value) -> Result<Self, String> {
                match &value.kind {
                    ValueKind::String(text) if text == $first_word => Ok(Self::$first),
                    $(ValueKind::String(text) if text == $word => Ok(Self::$variant),)*
                    _ => Err(describe(value)),
                }
            }
        }
    };
}

words!(Check: "ingest" = Ingest, "strict" = Strict, "whole" = Whole, "none" = None);
words!(FormatChoice: "auto" = Auto, "text" = Text, "openmetrics" = OpenMetrics, "protobuf" = Protobuf);
words!(Timestamps: "keep" = Keep, "strip" = Strip, "reject" = Reject);

impl BodyPolicy {
    /// Reads the terms out of a table, the rest from `defaults`.
    pub(crate) fn read(table: &mut Table<'_, '_>, defaults: Self) -> Self {
        let policy = Self {
            check: table.take("check").unwrap_or(defaults.check),
            format: table.take("format").unwrap_or(defaults.format),
            timestamps: table.take("timestamps").unwrap_or(defaults.timestamps),
            allow_empty: table.take("allow_empty").unwrap_or(defaults.allow_empty),
        };
        policy.complain(table);
        policy
    }

    /// Terms that are right one by one and cannot be kept together.
    fn complain(self, table: &Table<'_, '_>) {
        let reads_samples = matches!(self.check, Check::Ingest | Check::Strict);
        if self.timestamps != Timestamps::Keep && !reads_samples {
            let word = self.timestamps.as_str();
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
