//! One thread with the clock paused, for tests: time passes only when nothing
//! else can happen, so waits are exact and cost nothing.

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
