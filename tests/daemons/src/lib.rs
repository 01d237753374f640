//! The dummies: real daemons that local-exporter is tried and tested against.
//!
//! Each module is one daemon or one part of one, small enough to be read before it is trusted.
//! They share nothing with the bridge: an error in its code must not be answered by the same
//! error here. What they serve comes from the `prometheus` crate, so that the texts are those a
//! real program would write. None of this is meant for production.

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

/// Locks `mutex` also after a panic of another holder: all that is kept behind these locks is whole
/// after every statement, and a test that failed elsewhere must not fail a second time here.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
