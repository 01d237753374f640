//! Reads delimited protobuf: messages of `io.prometheus.client.MetricFamily`, each preceded by its length.
//!
//! Every field is decoded by the crate prost with the published schema ([`schema`]). What Prometheus 3.5 checks in its
//! parser and its scrape loop is checked, and what crashes it is refused.

mod family;
mod metric;
mod native;
mod schema;
#[cfg(test)]
pub(crate) mod tests;
mod wire;

use crate::fault::{Fault, FaultKind};
use crate::summary::Summary;
use wire::{MAX_VARINT, varint};

/// The maximum length of the varint before a message: a length has 32 bits (`NextMetricFamily` in `decoder.go`).
const MAX_LENGTH_VARINT: usize = 5;

/// Reads every message of `body` and counts it in `summary`; unless `deep`, only lengths are checked.
pub(crate) fn read(body: &[u8], deep: bool, summary: &mut Summary) -> Result<(), Fault> {
    let mut rest = body;
    let mut number = 0;
    while !rest.is_empty() {
        number += 1;
        let offset = body.len() - rest.len();
        let malformed = |message| fault(body, number, offset, FaultKind::Malformed, message);
        let truncated = |message| fault(body, number, offset, FaultKind::Truncated, message);
        let Some((length, after)) = varint(rest) else {
            let message = "the length of a message is incomplete";
            return Err(if rest.len() < MAX_VARINT {
                truncated(message)
            } else {
                malformed(message)
            });
        };
        if rest.len() - after.len() > MAX_LENGTH_VARINT {
            return Err(malformed(
                "the length of a message has more than five bytes",
            ));
        }
        let split = usize::try_from(length)
            .ok()
            .and_then(|length| after.split_at_checked(length));
        let Some((message, after)) = split else {
            return Err(truncated("unexpected end of body in a message"));
        };
        if deep {
            family::read(message, summary).map_err(malformed)?;
        }
        summary.families += 1;
        rest = after;
    }
    Ok(())
}

/// The fault of message `number`, which starts at `offset`; the excerpt is its first 20 bytes.
fn fault(body: &[u8], number: usize, offset: usize, kind: FaultKind, message: &str) -> Fault {
    let rest = body.get(offset..).unwrap_or_default();
    let excerpt = rest.get(..20).unwrap_or(rest).escape_ascii().to_string();
    Fault {
        kind,
        line: number,
        column: offset + 1,
        message: message.to_owned(),
        excerpt,
    }
}

/// Whether `body` starts like a delimited family: with a length and a name that is not longer.
pub(crate) fn is_plausible(body: &[u8]) -> bool {
    let Some((length, rest)) = varint(body) else {
        return false;
    };
    let Some((name, _)) = rest.strip_prefix(&[0x0a]).and_then(varint) else {
        return false;
    };
    name > 0 && name.saturating_add(2) <= length
}
