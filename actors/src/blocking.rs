//! Results of tasks on the blocking pool.

use tokio::task::JoinError;

/// Continues the panic of a blocking task in the caller, so that the actor fails and restarts.
///
/// Never resolves if the task was cancelled: this happens only at process exit.
pub(crate) async fn resume_panic<T>(error: JoinError) -> T {
    match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => std::future::pending().await,
    }
}
