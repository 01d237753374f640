//! The message `MetricFamily`: splits it into metrics, and checks its name, type, help and unit.
//!
//! Only one metric is decoded at a time, so that the memory does not depend on their number. A metric takes up to 50 times
//! its size when it is decoded, so its size is limited.

use super::metric::{self, ProtobufType, Reading};
use super::schema::{FamilyHeader, Metric};
use super::wire::{Cause, Data, fields};
use crate::names::is_legacy_metric_name;
use crate::summary::Summary;
use prost::Message;

/// The maximum size of a metric. The largest native histograms in use have some kilobytes.
const MAX_METRIC_BYTES: usize = 512 * 1024;

/// The cause of a fault in the encoding of a message.
const ENCODING: Cause = "a field is cut off, has the wrong wire type or is otherwise not encoded as its declaration requires";

/// Reads a family and counts its contents in `summary`.
pub(super) fn read(message: &[u8], summary: &mut Summary) -> Result<(), Cause> {
    let header = FamilyHeader::decode(message).map_err(|_| ENCODING)?;
    let mut reading = None;
    fields(message, |field| {
        let (4, data) = (field.number, field.data) else {
            return Ok(());
        };
        let Data::Bytes(message) = data else {
            return Err(ENCODING);
        };
        if message.len() > MAX_METRIC_BYTES {
            return Err("a metric is larger than 512 KiB");
        }
        let metric = Metric::decode(message).map_err(|_| ENCODING)?;
        let reading = match reading {
            Some(reading) => reading,
            None => *reading.insert(Reading::of(check_header(&header)?, &metric)),
        };
        metric::check(&metric, reading, summary)
    })?;
    // Prometheus skips a family without metrics before it looks at its name.
    summary.needs_utf8 |= reading.is_some() && !is_legacy_metric_name(&header.name);
    Ok(())
}

/// Checks a family that has metrics; returns its type.
fn check_header(header: &FamilyHeader) -> Result<ProtobufType, Cause> {
    if header.name.is_empty() {
        return Err("a family has no name");
    }
    if std::str::from_utf8(&header.name).is_err() {
        return Err("the name of a family is not valid UTF-8");
    }
    if std::str::from_utf8(&header.help).is_err() {
        return Err("a help text is not valid UTF-8");
    }
    let Some(metric_type) = ProtobufType::of_number(header.metric_type) else {
        return Err("a family has an unknown type");
    };
    let name = match metric_type {
        ProtobufType::Counter => header.name.strip_suffix(b"_total"),
        _ => None,
    };
    let stem = name
        .unwrap_or(&header.name)
        .strip_suffix(header.unit.as_slice());
    if !header.unit.is_empty() && !stem.is_some_and(|stem| stem.ends_with(b"_")) {
        return Err("the name of a family does not end with its unit");
    }
    Ok(metric_type)
}
