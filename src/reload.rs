//! Reloading: the new configuration takes effect completely, or the running one stays.
//!
//! Requests ([`request`]) and the task that serves them ([`run`]) share no state but channels.
//! [`run`] reads the files ([`read`]), applies the result ([`apply`]) and reports it
//! ([`outcome`]); [`restart_only`] names the keys that need a restart.

mod apply;
mod outcome;
mod read;
mod request;
mod restart_only;
pub(crate) mod run;

pub use request::Reloader;
