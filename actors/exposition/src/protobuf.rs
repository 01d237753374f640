//! Reads delimited protobuf: messages of `io.prometheus.client.MetricFamily`, each preceded by its length.
//!
//! Ensures that every length fits, that each message is a family with a name and no unknown type, and that names, labels and
//! help texts are UTF-8. Does not check buckets or native histograms. Source: `metrics.proto` of
//! `prometheus/client_model`, `model/textparse/protobufparse.go`.

mod family;
#[cfg(test)]
pub(crate) mod tests;
mod wire;

use crate::fault::{Fault, FaultKind};
use crate::summary::Summary;
use wire::{MAX_VARINT, varint};

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
