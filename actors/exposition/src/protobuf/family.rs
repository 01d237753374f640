//! The messages `MetricFamily`, `Metric` and `LabelPair`.

use super::wire::{Cause, Data, fields};
use crate::names::{is_legacy_label_name, is_legacy_metric_name};
use crate::summary::Summary;

/// The highest number of the enum `MetricType`: `GAUGE_HISTOGRAM`.
const MAX_TYPE: u64 = 5;

/// Reads a family and counts its contents in `summary`.
pub(super) fn read(message: &[u8], summary: &mut Summary) -> Result<(), Cause> {
    let mut name: &[u8] = &[];
    fields(message, |field| {
        match (field.number, field.data) {
            (1, Data::Bytes(bytes)) => name = bytes,
            (2, Data::Bytes(bytes)) if std::str::from_utf8(bytes).is_err() => {
                return Err("a help text is not valid UTF-8");
            }
            (2, Data::Bytes(_)) => {}
            (3, Data::Varint(metric_type)) if metric_type > MAX_TYPE => {
                return Err("a family has an unknown type");
            }
            (3, Data::Varint(_)) => {}
            (4, Data::Bytes(metric)) => read_metric(metric, summary)?,
            (1..=4, _) => return Err("a field of a family has the wrong wire type"),
            _ => {}
        }
        Ok(())
    })?;
    if name.is_empty() {
        return Err("a family has no name");
    }
    if std::str::from_utf8(name).is_err() {
        return Err("the name of a family is not valid UTF-8");
    }
    summary.needs_utf8 |= !is_legacy_metric_name(name);
    Ok(())
}

fn read_metric(message: &[u8], summary: &mut Summary) -> Result<(), Cause> {
    summary.samples += 1;
    fields(message, |field| {
        match (field.number, field.data) {
            (1, Data::Bytes(label)) => read_label(label, summary),
            (6, Data::Varint(timestamp)) => {
                summary.newest_timestamp_ms = summary
                    .newest_timestamp_ms
                    .max(Some(timestamp.cast_signed()));
                Ok(())
            }
            // Exemplars are field 2 of a counter, field 3 of a bucket, and field 16 of a histogram.
            (3, Data::Bytes(counter)) => count_field(counter, 2, &mut summary.exemplars),
            (7, Data::Bytes(histogram)) => {
                fields(histogram, |field| match (field.number, field.data) {
                    (3, Data::Bytes(bucket)) => count_field(bucket, 3, &mut summary.exemplars),
                    (16, Data::Bytes(_)) => {
                        summary.exemplars += 1;
                        Ok(())
                    }
                    _ => Ok(()),
                })
            }
            (2 | 4 | 5, Data::Bytes(value)) => fields(value, |_| Ok(())),
            (1..=7, _) => Err("a field of a metric has the wrong wire type"),
            _ => Ok(()),
        }
    })
}

/// Counts the fields of `message` that have `number`.
fn count_field(message: &[u8], number: u64, count: &mut usize) -> Result<(), Cause> {
    fields(message, |field| {
        *count += usize::from(field.number == number);
        Ok(())
    })
}

fn read_label(message: &[u8], summary: &mut Summary) -> Result<(), Cause> {
    let mut name: &[u8] = &[];
    let mut value: &[u8] = &[];
    fields(message, |field| {
        match (field.number, field.data) {
            (1, Data::Bytes(bytes)) => name = bytes,
            (2, Data::Bytes(bytes)) => value = bytes,
            (1 | 2, _) => return Err("a field of a label has the wrong wire type"),
            _ => {}
        }
        Ok(())
    })?;
    if std::str::from_utf8(name).is_err() || std::str::from_utf8(value).is_err() {
        return Err("a label is not valid UTF-8");
    }
    if name.is_empty() && !value.is_empty() {
        return Err("a label has no name");
    }
    summary.needs_utf8 |= !is_legacy_label_name(name);
    Ok(())
}
