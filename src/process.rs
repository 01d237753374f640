//! The process: confinement, descriptors, logging and the service manager.

#[cfg(target_env = "gnu")]
pub mod allocator;
pub mod confinement;
pub mod descriptors;
pub mod liveness;
pub mod logging;
pub mod systemd;
