//! Has glibc give memory back: large blocks that were freed do not stay in its heaps.
//!
//! glibc maps each block of 128 KiB or more by itself and gives it back as soon
//! as it is freed. But every such block that is freed raises that bound to its
//! own size, up to 32 MiB (mallopt(3), `M_MMAP_THRESHOLD`). After a few large
//! answers all of them are cut from the heaps of the threads that read them, and
//! stay there: resident memory becomes what the largest answers of all threads
//! ever took together. So the bound is pinned to where it stands at first.
//!
//! Without unsafe code glibc is told so by the environment alone, before anything
//! of ours runs. Therefore the program begins anew, once, as the same process: it
//! may have started and opened nothing before that.

use std::os::unix::process::CommandExt;
use std::process::Command;

/// What glibc reads: the size in bytes from which on blocks are mapped by themselves.
const BOUND: &str = "MALLOC_MMAP_THRESHOLD_";
/// Where the bound stands at first.
const FIRST: &str = "131072";
/// What glibc reads: the most heaps for small blocks. It makes up to eight for each
/// processor, and what is free in one is none of another's, so that each creeps towards what
/// its threads ever needed at once. With a single one resident memory stays level; the threads
/// at work are few, and keep what they allocate most at hand without its lock (tcache).
const ARENAS: &str = "MALLOC_ARENA_MAX";
const MOST_ARENAS: &str = "1";
/// The id of the process that has begun anew. The bound cannot say so: glibc
/// takes it out of the environment of a program with capabilities of its own.
const BEGUN: &str = "LOCAL_EXPORTER_BEGUN_ANEW";

/// Begins the program anew with the bound pinned. Comes back where that has been
/// done, where somebody else has set the bound, and where the program cannot be
/// begun anew, which costs memory and nothing else.
pub fn pin_mapping_bound() {
    let process = std::process::id().to_string();
    let value = |name| std::env::var(name).unwrap_or_default();
    let is_set = !value(BOUND).is_empty() || value("GLIBC_TUNABLES").contains("mmap_threshold");
    if is_set || value(BEGUN) == process {
        return;
    }
    let Ok(program) = std::env::current_exe() else {
        return;
    };
    let mut arguments = std::env::args_os();
    let mut anew = Command::new(program);
    if let Some(name) = arguments.next() {
        anew.arg0(name);
    }
    // Only an error comes back.
    let _ = anew
        .args(arguments)
        .env(BOUND, FIRST)
        .env(
            ARENAS,
            std::env::var(ARENAS).as_deref().unwrap_or(MOST_ARENAS),
        )
        .env(BEGUN, process)
        .exec();
}
