//! A test runtime with a paused clock on one thread.
//!
//! Time advances only when no task can make progress, so waits are exact and take no real time.

use std::future::Future;

/// Runs a test to its end.
pub(crate) fn paused(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, test);
}
