//! Faults of sources and of the host, each with a test that is found by its name.
//!
//! `cargo run --example faults` tries them all, those that take long too, one after the other,
//! and prints a table of what came of each; `docs/src/faults.md` has the last one. With them it runs
//! the other hard suites: `clients`, `host`, `leaks` and `reload::storm`.
//!
//! | of | file |
//! | --- | --- |
//! | a daemon behind a socket, and what stands in its place | `socket`, `no_socket` |
//! | a daemon on a bus, and its name | `service`, `names` |
//! | a bus, and what listens in its place | `bus`, `no_bus` |
//! | files, and storms of changes to them | `files`, `storms` |
//! | permissions, dead mounts, file systems | `permissions`, `mounts`, `file_systems` |
//! | inotify, clocks | `inotify`, `clock` |
//! | errors that look alike | `hints` |

mod bus;
mod clock;
mod file_systems;
mod files;
mod hints;
mod inotify;
mod mounts;
mod names;
mod no_bus;
mod no_socket;
mod permissions;
mod scene;
mod service;
mod socket;
mod storms;
