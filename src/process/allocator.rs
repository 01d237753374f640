//! Configures jemalloc to return freed pages to the system at once.
//!
//! By default jemalloc keeps them for ten seconds, and for ever in an arena that no thread uses any
//! more, so that resident memory grows to the sum of the largest bodies of all threads. The setting is
//! part of the program, so it also holds for `cargo install`.

use tikv_jemalloc_ctl::{Access, AsName};

/// How long freed pages are kept, in milliseconds: the names (jemalloc(3)) of the default for arenas
/// that are created later, and of the setting of the first one, which exists already.
const DECAY: [&str; 2] = ["arenas.dirty_decay_ms\0", "arena.0.dirty_decay_ms\0"];

/// To be called before other threads start. An error, which only costs memory, is ignored.
pub fn return_freed_memory() {
    for name in DECAY {
        let _ = name.name().write(0_isize);
    }
}
