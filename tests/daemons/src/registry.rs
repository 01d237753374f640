//! The metrics of the daemons: a registry of the `prometheus` crate whose counters move.
//!
//! Guarantees: every [`Metrics::text`] is a valid exposition that differs from the previous one;
//! the metric names of two daemons differ by their prefix. It measures nothing of the process or
//! the host, so a text depends only on the number of ticks.

use prometheus::{
    Encoder, Gauge, Histogram, HistogramOpts, IntCounter, IntCounterVec, Opts, Registry,
    TextEncoder,
};

/// Values of the label `kind`: a plain one, and one with every character that the text format
/// escapes or allows.
const KINDS: [&str; 2] = ["plain", "\"quoted\" \\ and\nnew line, ü"];

/// A registry with a counter, a labelled counter, a gauge and a histogram; clones share it.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    ticks: IntCounter,
    requests: IntCounterVec,
    queue: Gauge,
    work: Histogram,
}

impl Metrics {
    /// Registers `{prefix}_ticks_total`, `{prefix}_requests_total`, `{prefix}_queue_length` and
    /// `{prefix}_work_seconds`.
    ///
    /// # Errors
    ///
    /// If `prefix` cannot begin a metric name (`[a-zA-Z_:][a-zA-Z0-9_:]*`).
    pub fn new(prefix: &str) -> Result<Self, prometheus::Error> {
        let ticks = IntCounter::new(format!("{prefix}_ticks_total"), "Ticks since the start.")?;
        let requests = IntCounterVec::new(
            Opts::new(format!("{prefix}_requests_total"), "Requests by kind."),
            &["kind"],
        )?;
        let queue = Gauge::new(
            format!("{prefix}_queue_length"),
            "Things that wait; goes up and down.",
        )?;
        let work = Histogram::with_opts(HistogramOpts::new(
            format!("{prefix}_work_seconds"),
            "How long the work of a tick took.",
        ))?;
        let registry = Registry::new();
        registry.register(Box::new(ticks.clone()))?;
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(queue.clone()))?;
        registry.register(Box::new(work.clone()))?;
        Ok(Self {
            registry,
            ticks,
            requests,
            queue,
            work,
        })
    }

    /// Advances every metric by one step, as the work of a program would.
    pub fn tick(&self) {
        self.ticks.inc();
        for (step, kind) in (1..).zip(KINDS) {
            self.requests.with_label_values(&[kind]).inc_by(step);
        }
        // A small sawtooth: bounded and not random.
        let step = u32::try_from(self.ticks.get() % 7).unwrap_or_default();
        self.queue.set(f64::from(step));
        self.work.observe(f64::from(step) / 1000.0);
    }

    /// Ticks once and returns all metrics in the Prometheus text format 0.0.4.
    ///
    /// # Panics
    ///
    /// If the encoder rejects its own registry, which would be an error in this file.
    #[must_use]
    #[allow(
        clippy::expect_used,
        reason = "a dummy that cannot encode its own metrics has nothing to serve"
    )]
    pub fn text(&self) -> Vec<u8> {
        self.tick();
        let mut text = Vec::new();
        TextEncoder::new()
            .encode(&self.registry.gather(), &mut text)
            .expect("the registry holds only metrics that have values");
        text
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        reason = "a test fails by panicking, at the line that is wrong"
    )]
    use super::Metrics;

    #[test]
    fn counters_move_and_names_carry_the_prefix() {
        let metrics = Metrics::new("one").unwrap();
        let first = String::from_utf8(metrics.text()).unwrap();
        let second = String::from_utf8(metrics.text()).unwrap();
        assert!(first.contains("\none_ticks_total 1\n"), "{first}");
        assert!(second.contains("\none_ticks_total 2\n"), "{second}");
        assert!(second.contains("one_work_seconds_count 2\n"), "{second}");
        assert!(second.ends_with('\n'));
    }

    #[test]
    fn label_values_are_escaped() {
        let text = String::from_utf8(Metrics::new("one").unwrap().text()).unwrap();
        let escaped = r#"one_requests_total{kind="\"quoted\" \\ and\nnew line, ü"} 2"#;
        assert!(text.contains(escaped), "{text}");
    }

    #[test]
    fn a_bad_prefix_is_an_error() {
        assert!(Metrics::new("9 lives").is_err());
    }
}
