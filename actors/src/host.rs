//! Facts about the host: paths, permissions, mounts and file systems.
//!
//! The lowest layer of this crate: it depends on no other module of it, and
//! knows neither sources nor reasons nor the configuration. It only reads
//! names and metadata: it opens no file for reading, connects to no socket and
//! changes nothing. Every function may block for as long as a file system hangs, so
//! callers run them on the blocking pool or before anything depends on them.
//!
//! - `path_walk`: shows through which symbolic links a path leads.
//! - `links`: opens what was found, and follows only links that give no new access.
//! - `mode`, `permission`: what the mode of a file and the kernel allow.
//! - `denied`: why connecting to a socket was denied.
//! - [`lsm`]: denials by Landlock or another security module.
//! - `mounts`: stale mounts, and files that are mount points.
//! - [`filesystem`]: the only table of file system types.

pub(crate) mod denied;
pub mod filesystem;
pub(crate) mod links;
pub mod lsm;
mod mode;
pub(crate) mod mounts;
pub(crate) mod path_walk;
pub(crate) mod permission;
pub(crate) mod problem;
