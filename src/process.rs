//! The process: confinement, file descriptors, the allocator, logging, liveness, memory and the service manager.

#[cfg(target_env = "gnu")]
pub(crate) mod allocator;
pub(crate) mod confinement;
pub(crate) mod descriptors;
pub(crate) mod liveness;
pub(crate) mod logging;
pub(crate) mod memory;
pub(crate) mod systemd;
