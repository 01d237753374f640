//! The families about the configuration and its reloads.

use local_exporter_config::{DropInState, Rejected};
use prometheus::{Gauge, IntGauge, Opts, Registry};
use std::time::SystemTime;

/// The number of hexadecimal digits of the hash that the metric shows: 48 bits, which a float
/// represents exactly. Alertmanager does the same.
const DIGITS: usize = 12;

/// The families that reloads update.
#[derive(Clone, Debug)]
pub(crate) struct ConfigurationMetrics {
    successful: IntGauge,
    succeeded_at: Gauge,
    hash: Gauge,
    drop_ins_left_out: IntGauge,
    drop_ins_kept: IntGauge,
    unreadable_paths: IntGauge,
}

impl ConfigurationMetrics {
    /// Registers the families.
    ///
    /// # Errors
    /// If the registry already has one of them.
    pub(crate) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let gauge = |name: &str, help| Opts::new(format!("local_exporter_config_{name}"), help);
        let metrics = Self {
            successful: IntGauge::with_opts(gauge(
                "last_reload_successful",
                "Whether the last attempt to load the configuration succeeded.",
            ))?,
            succeeded_at: Gauge::with_opts(gauge(
                "last_reload_success_timestamp_seconds",
                "The time at which the running configuration was loaded.",
            ))?,
            hash: Gauge::with_opts(gauge(
                "hash",
                "The first 48 bits of a hash of the values of the running configuration.",
            ))?,
            drop_ins_left_out: IntGauge::with_opts(gauge(
                "dropins_left_out",
                "The number of drop-ins left out of the running configuration because of errors.",
            ))?,
            drop_ins_kept: IntGauge::with_opts(gauge(
                "dropins_kept",
                "The number of drop-ins with errors whose last valid selectors are still in use.",
            ))?,
            unreadable_paths: IntGauge::with_opts(gauge(
                "unreadable_paths",
                "The number of directories that the configuration on disk needs and Landlock denies.",
            ))?,
        };
        registry.register(Box::new(metrics.drop_ins_left_out.clone()))?;
        registry.register(Box::new(metrics.drop_ins_kept.clone()))?;
        registry.register(Box::new(metrics.unreadable_paths.clone()))?;
        registry.register(Box::new(metrics.successful.clone()))?;
        registry.register(Box::new(metrics.succeeded_at.clone()))?;
        registry.register(Box::new(metrics.hash.clone()))?;
        Ok(metrics)
    }

    /// Records that a configuration was applied; `hash` is in hexadecimal digits.
    pub(crate) fn loaded(&self, hash: &str, drop_ins: &DropInState) {
        let count = |how| i64::try_from(drop_ins.count(how)).unwrap_or(i64::MAX);
        self.drop_ins_left_out.set(count(Rejected::LeftOut));
        self.drop_ins_kept.set(count(Rejected::Kept));
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        self.succeeded_at
            .set(since_epoch.unwrap_or_default().as_secs_f64());
        self.hash.set(number(hash));
        self.successful.set(1);
    }

    /// Records the number of directories that a reload found to be denied by Landlock.
    pub(crate) fn unreadable_paths(&self, count: usize) {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.unreadable_paths.set(count);
    }

    /// Records that a reload failed.
    pub(crate) fn reload_failed(&self) {
        self.successful.set(0);
    }
}

#[expect(clippy::cast_precision_loss, reason = "48 bits are exact")]
fn number(hash: &str) -> f64 {
    let digits = hash.get(..DIGITS).unwrap_or(hash);
    u64::from_str_radix(digits, 16).unwrap_or_default() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_a_number_of_48_bits() {
        assert_eq!(number("0000000000ff1234").to_bits(), 255.0_f64.to_bits());
        let most = 281_474_976_710_655.0_f64;
        assert_eq!(number("ffffffffffffffff").to_bits(), most.to_bits());
    }
}
