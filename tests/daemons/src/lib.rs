//! Real daemons for demonstrations and tests of local-exporter.
//!
//! Each module is one daemon or a part of one. They share no code with the exporter, so that an
//! error in its code cannot be hidden by the same error here. What they serve comes from the
//! `prometheus` crate, like the metrics of a real program. None of this is meant for production.

pub mod bus;
mod bus_config;
mod bus_error;
mod connections;
pub mod fault;
mod fuse;
mod listener;
mod observable;
pub mod prombus;
pub mod promfile;
pub mod promsock;
pub mod quiet_files;
pub mod registry;
pub mod scripted;
pub mod scripted_service;
mod service;
pub mod stop;
pub mod storm;
mod wrong_reply;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks `mutex` even if another holder panicked: the data behind these locks is consistent after
/// every statement, and one failed test must not cause a second failure here.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
