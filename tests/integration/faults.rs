//! Faults of sources and of the host, each with a test of its name.
//!
//! `cargo run --example faults` runs all of them in sequence, including the slow ones, and prints
//! a table of the results, which is kept in `docs/src/faults.md`. It also runs the suites
//! `clients`, `host`, `leaks` and `reload::storm`.
//!
//! | faults of | file |
//! | --- | --- |
//! | a daemon behind a socket, and other objects at its path | `socket`, `no_socket` |
//! | a daemon on a bus, and its name | `service`, `names` |
//! | a bus, and other listeners at its address | `bus`, `no_bus` |
//! | files, and storms of changes to them | `files`, `storms` |
//! | permissions, stale mounts, file systems | `permissions`, `mounts`, `file_systems`, `hung_mount` |
//! | limits: large files, long names, daemons that hang, threads | `limits` |
//! | responses that are not read | `unread` |
//! | inotify, clocks | `inotify`, `clock` |
//! | errors that are easily confused | `hints` |

mod bus;
mod clock;
mod file_systems;
mod files;
mod hints;
mod hung_mount;
mod inotify;
mod limits;
mod mounts;
mod names;
mod no_bus;
mod no_socket;
mod permissions;
mod scene;
mod service;
mod socket;
mod storms;
mod unread;
mod unread_log;
