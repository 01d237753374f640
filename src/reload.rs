//! Reloading: the new configuration takes effect completely, or the running one stays.
//!
//! The requests ([`crate::reloader`]) and the task that serves them ([`run`]) share no state but
//! channels. [`run`] reads the files ([`read`]), applies the result ([`apply`]) and reports it;
//! [`restart_only`] names the keys that need a restart, [`drop_ins`] the drop-ins with errors, and [`reach`] the
//! directories that Landlock denies.

mod apply;
pub(crate) mod drop_ins;
mod reach;
mod read;
mod restart_only;
pub(crate) mod run;

pub(crate) use apply::listed;
