//! Native histograms whose spans do not fit their buckets, which crash Prometheus.
//!
//! Source: `compactBuckets` in `model/histogram/generic.go` of Prometheus 3.5, which the parser calls for every native
//! histogram. It walks along buckets and spans together, and indexes past the last span if there are more buckets.

use super::schema::{BucketSpan, Histogram};

/// Whether Prometheus parses a histogram as a native one.
pub(super) fn is_native(histogram: &Histogram) -> bool {
    !histogram.positive_span.is_empty()
        || !histogram.negative_span.is_empty()
        || histogram.zero_threshold > 0.0
        || histogram.zero_count > 0
}

/// Whether compacting the buckets of a native histogram crashes Prometheus.
pub(super) fn crashes(histogram: &Histogram) -> bool {
    if histogram.sample_count_float > 0.0 || histogram.zero_count_float > 0.0 {
        let exceeds = |counts: &[f64], spans: &[BucketSpan]| {
            let has_empty = counts.contains(&0.0);
            exceeds(counts.len(), has_empty, spans)
        };
        return exceeds(&histogram.positive_count, &histogram.positive_span)
            || exceeds(&histogram.negative_count, &histogram.negative_span);
    }
    let exceeds = |deltas: &[i64], spans: &[BucketSpan]| {
        let counts = deltas.iter().scan(0_i64, |count, delta| {
            *count = count.wrapping_add(*delta);
            Some(*count)
        });
        let has_empty = counts.into_iter().any(|count| count == 0);
        exceeds(deltas.len(), has_empty, spans)
    };
    exceeds(&histogram.positive_delta, &histogram.positive_span)
        || exceeds(&histogram.negative_delta, &histogram.negative_span)
}

/// Whether there are more buckets than the spans have places for.
///
/// Prometheus does not look if no bucket is empty and there is nothing to merge: every offset is positive and every length.
fn exceeds(buckets: usize, has_empty: bool, spans: &[BucketSpan]) -> bool {
    let mergeable = |span: &BucketSpan| span.offset <= 0 || span.length == 0;
    if !has_empty && !spans.iter().any(mergeable) {
        return false;
    }
    buckets as u64 > places(spans)
}

/// The number of buckets that the spans have places for.
///
/// A span that follows another one without a gap is merged with it, in 32-bit arithmetic that wraps around.
fn places(spans: &[BucketSpan]) -> u64 {
    let mut places = 0_u64;
    let mut merged = 0_u32;
    for (index, span) in spans.iter().enumerate() {
        if index > 0 && span.offset == 0 {
            merged = merged.wrapping_add(span.length);
        } else {
            places = places.saturating_add(u64::from(merged));
            merged = span.length;
        }
    }
    places.saturating_add(u64::from(merged))
}

#[cfg(test)]
mod tests {
    use super::{BucketSpan, Histogram, crashes};

    #[test]
    fn more_buckets_than_places_crash_prometheus_unless_nothing_is_merged() {
        type Spans = &'static [(i32, u32)];
        let cases: [(Spans, &[i64], bool); 14] = [
            (&[(0, 2)], &[1, 1], false),
            (&[(0, 1)], &[1, 1], true),
            (&[(0, 4_000_000_000)], &[1], false),
            (&[], &[1, 1], false),
            (&[], &[0], true),
            (&[], &[1, -1], true),
            (&[(0, 0), (0, 0)], &[1], true),
            (&[(5, 1)], &[1, 1], false),
            (&[(5, 1)], &[1, -1], true),
            (&[(5, 1), (1, 1)], &[1, 0, 0], false),
            (&[(5, 1), (0, 1)], &[1, 0, 0], true),
            (&[(-5, 1)], &[1, 1], true),
            (&[(1, 1 << 31), (0, 1 << 31)], &[1], true),
            (&[(0, 3)], &[1], false),
        ];
        for (spans, deltas, expected) in cases {
            let span = |(offset, length): &(i32, u32)| BucketSpan {
                offset: *offset,
                length: *length,
            };
            let spans: Vec<BucketSpan> = spans.iter().map(span).collect();
            let integers = Histogram {
                negative_span: spans.clone(),
                negative_delta: deltas.to_vec(),
                ..Histogram::default()
            };
            assert_eq!(crashes(&integers), expected, "{spans:?} {deltas:?}");
            let mut count = 0;
            let counts = deltas.iter().map(|delta| {
                count += delta;
                if count == 0 { 0.0 } else { 1.0 }
            });
            let floats = Histogram {
                zero_count_float: 1.0,
                positive_span: spans.clone(),
                positive_count: counts.collect(),
                ..Histogram::default()
            };
            assert_eq!(crashes(&floats), expected, "{spans:?} {deltas:?}");
        }
    }
}
