//! Locking a mutex of plain data.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks `mutex`, also after a panic poisoned it.
///
/// Only for data that is consistent after every single assignment. Panics of actors are
/// caught and the process continues, so a poisoned mutex must not stop its other users.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
