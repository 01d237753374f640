//! The process: confinement, file descriptors, the allocator, logging, liveness, memory and the service manager.

pub(crate) mod allocator;
pub(crate) mod confinement;
pub(crate) mod descriptors;
pub(crate) mod liveness;
pub(crate) mod logging;
pub(crate) mod memory;
pub(crate) mod systemd;
