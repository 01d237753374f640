//! Replaces quoted names by names without quotes, for scrapers that do not support UTF-8 names.
//!
//! The schemes are those of `prometheus/common` (`model/metric.go`, `EscapeName`). As in `client_golang`, the name of a
//! family is escaped, and the samples of its type have the escaped name with their suffix. Label names follow the same
//! rules; a colon, which these leave in place, becomes `_`, because no label name without quotes can contain it.
//!
//! Everything else stays byte for byte: values, timestamps, help texts, comments, and lines without quoted names.
//! Different names must not become the same name: series would merge.

mod collisions;
mod error;
mod line;
mod names;
mod scheme;
#[cfg(test)]
mod tests;

pub use error::EscapingError;
pub use scheme::EscapingScheme;

use crate::entry::{Entry, Reader};
use crate::format::Format;
use crate::metric_type::Dialect;
use crate::openmetrics::OpenMetricsReader;
use crate::text::TextReader;
use error::RawError;
use line::Lines;
use names::Names;

/// Returns `body`, which is in `format`, with all quoted names replaced by names without quotes.
///
/// The time is linear in the size of the body. The result is at most twice as large, and 4 KiB.
///
/// # Errors
///
/// If two names would become one, if a line cannot be rewritten, or at the first line that Prometheus would refuse.
pub fn escape_names(
    body: &[u8],
    format: Format,
    scheme: EscapingScheme,
) -> Result<Vec<u8>, EscapingError> {
    let escaped = match format {
        Format::Text => escape(body, TextReader::new, Dialect::Text, scheme),
        Format::OpenMetrics if body.is_empty() => Ok(Vec::new()),
        Format::OpenMetrics => escape(body, OpenMetricsReader::new, Dialect::OpenMetrics, scheme),
        Format::Protobuf => {
            let why = "names in protobuf are not escaped";
            return Err(EscapingError::Unsupported(why));
        }
    };
    escaped.map_err(|error| error.complete(body))
}

/// Reads the body twice: a TYPE line, which decides about the suffixes of samples, may follow them.
fn escape<'a, R: Reader<'a>>(
    body: &'a [u8],
    reader: impl Fn(&'a [u8]) -> R,
    dialect: Dialect,
    scheme: EscapingScheme,
) -> Result<Vec<u8>, RawError> {
    let mut names = Names::new(scheme, dialect);
    let mut first = reader(body);
    while let Some(entry) = first.next()? {
        match &entry {
            Entry::Type(name, metric_type) => names.declare(*name, *metric_type),
            Entry::Sample(sample) => names.note_labels(sample.name, first.labels())?,
            Entry::Comment | Entry::Help(_) | Entry::Unit(_) => {}
        }
    }
    let mut lines = Lines::new(body);
    let mut second = reader(body);
    loop {
        let start = second.at();
        let Some(entry) = second.next()? else {
            break;
        };
        let line = start..second.at();
        match &entry {
            Entry::Comment => {}
            Entry::Help(name) | Entry::Type(name, _) | Entry::Unit(name) => {
                let escaped = names.family(*name)?;
                if name.quoted {
                    lines.rewrite_metadata(line, *name, escaped)?;
                }
            }
            Entry::Sample(sample) => {
                let labels = names.labels(sample.name, second.labels())?;
                let exemplar = names.exemplar(second.exemplar())?;
                let escaped = names.sample(sample.name)?;
                lines.rewrite_sample(line, sample, escaped, labels, exemplar)?;
            }
        }
    }
    Ok(lines.finish())
}
