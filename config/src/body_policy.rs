//! The requirements that a body must meet to be served: checks, format, timestamps.
//!
//! Only the settings. The crate does not check bodies.

use crate::key::Key;
use crate::table::Table;
use crate::value::{FromValue, describe, one_of};
use crate::write::TableWriter;
use config::{Value, ValueKind};

/// The requirements that the bodies of a selector must meet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BodyPolicy {
    /// How much of a body is checked.
    pub check: Check,
    /// The format a body must be in.
    pub format: FormatChoice,
    /// The handling of the timestamps of samples.
    pub timestamps: Timestamps,
    /// Accepts an empty body.
    pub allow_empty: bool,
    /// The handling of quoted names for scrapers that do not support them.
    pub escaping: Escaping,
}

/// How much of a body is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Check {
    /// Complete, and Prometheus would ingest all of it.
    #[default]
    Ingest,
    /// [`Check::Ingest`], and the rules of the format's specification.
    Strict,
    /// Complete; samples are not read.
    Whole,
    /// Nothing.
    None,
}

/// The exposition format in which a body is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FormatChoice {
    /// Detected from the bytes.
    #[default]
    Auto,
    /// Prometheus text.
    Text,
    /// `OpenMetrics` text.
    OpenMetrics,
    /// Delimited protobuf.
    Protobuf,
}

/// The handling of the timestamps of samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Timestamps {
    /// They are passed on.
    #[default]
    Keep,
    /// They are removed from the sample lines.
    Strip,
    /// A body that has any is an error.
    Reject,
}

/// The handling of quoted names for scrapers that do not support them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Escaping {
    /// They are replaced by names without quotes, in the scheme that the scraper asks for.
    #[default]
    Convert,
    /// The scrape fails.
    Refuse,
}

/// Gives an enum its words: one list for reading, writing and error messages.
macro_rules! words {
    ($name:ident: $first_word:literal = $first:ident $(, $word:literal = $variant:ident)*) => {
        impl $name {
            /// Its value in a configuration.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    Self::$first => $first_word,
                    $(Self::$variant => $word,)*
                }
            }
        }

        impl FromValue for $name {
            const TYPE: &'static str = "word";
            const EXPECTED: &'static str = one_of!($first_word $(, $word)*);

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

pub(crate) use words;

words!(Check: "ingest" = Ingest, "strict" = Strict, "whole" = Whole, "none" = None);
words!(FormatChoice: "auto" = Auto, "text" = Text, "openmetrics" = OpenMetrics, "protobuf" = Protobuf);
words!(Escaping: "convert" = Convert, "refuse" = Refuse);
words!(Timestamps: "keep" = Keep, "strip" = Strip, "reject" = Reject);

impl BodyPolicy {
    pub(crate) const KEYS: &[Key] = &[
        Key::with_default::<Check>(
            "check",
            "\"ingest\"",
            "How much of a body is checked before it is served. `ingest`: it is complete and \
             Prometheus would accept it; `strict`: it follows the specification of its format as \
             well; `whole`: it is complete, its samples are not read; `none`: only its size.",
        ),
        Key::with_default::<FormatChoice>(
            "format",
            "\"auto\"",
            "The exposition format of bodies. `auto` detects it in each body.",
        ),
        Key::with_default::<Timestamps>(
            "timestamps",
            "\"keep\"",
            "The timestamps of samples: `keep` passes them on, `strip` removes them, `reject` \
             refuses bodies that have any. `strip` and `reject` need `check` to be `ingest` or \
             `strict`; `strip` is not available for protobuf.",
        ),
        Key::with_default::<bool>("allow_empty", "false", "Accepts an empty body."),
        Key::with_default::<Escaping>(
            "escaping",
            "\"convert\"",
            "Quoted names such as `{\"my.name\"}`, for scrapers that do not support them: `convert` \
             replaces them by names without quotes (`my_name`), `refuse` refuses the scrape. With \
             `check` set to `whole` or `none`, the scrape is always refused.",
        ),
    ];

    /// Reads the policy; `defaults` supplies the keys that are left out.
    pub(crate) fn read(table: &mut Table<'_, '_>, defaults: Self) -> Self {
        let policy = Self {
            check: table.take("check").unwrap_or(defaults.check),
            format: table.take("format").unwrap_or(defaults.format),
            timestamps: table.take("timestamps").unwrap_or(defaults.timestamps),
            allow_empty: table.take("allow_empty").unwrap_or(defaults.allow_empty),
            escaping: table.take("escaping").unwrap_or(defaults.escaping),
        };
        policy.report_contradictions(table);
        policy
    }

    pub(crate) fn write(&self, table: &mut TableWriter) {
        let Self {
            check,
            format,
            timestamps,
            allow_empty,
            escaping,
        } = self;
        table.put("check", check.as_str());
        table.put("format", format.as_str());
        table.put("timestamps", timestamps.as_str());
        table.put("allow_empty", allow_empty);
        table.put("escaping", escaping.as_str());
    }

    /// Reports values that are valid one by one and exclude each other.
    fn report_contradictions(self, table: &Table<'_, '_>) {
        let reads_samples = matches!(self.check, Check::Ingest | Check::Strict);
        if self.timestamps != Timestamps::Keep && !reads_samples {
            let word = self.timestamps.as_str();
            let found = format!("{word:?} with a check that does not read samples");
            let expected = "\"keep\", or check = \"ingest\" or \"strict\"";
            table.reject_valid("timestamps", found, expected);
        }
        if self.timestamps == Timestamps::Strip && self.format == FormatChoice::Protobuf {
            let found = "\"strip\" with format = \"protobuf\"".to_owned();
            table.reject_valid("timestamps", found, "\"keep\" or \"reject\"");
        }
    }
}
