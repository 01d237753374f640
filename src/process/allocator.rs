//! Pins glibc's mmap threshold, so that freed large blocks return to the kernel.
//!
//! glibc maps each block of at least 128 KiB separately and unmaps it when it is freed. But each time
//! such a block is freed, the threshold grows to its size, up to 32 MiB (mallopt(3),
//! `M_MMAP_THRESHOLD`). After a few large bodies, all of them are allocated on the heaps of the threads
//! that read them, and resident memory grows to the sum of the largest bodies of all threads. Setting
//! the threshold explicitly disables this growth.
//!
//! Without unsafe code only the environment can set it, before the program starts. So the program
//! executes itself once, as the same process, before it starts threads or opens files.

use std::os::unix::process::CommandExt;
use std::process::Command;

/// glibc's variable for the size in bytes from which blocks are mapped separately.
const THRESHOLD: &str = "MALLOC_MMAP_THRESHOLD_";
/// glibc's initial threshold.
const INITIAL_THRESHOLD: &str = "131072";
/// glibc's variable for the number of heaps. By default it creates up to eight per processor. Memory
/// that is free in one heap cannot be used by another, so each grows to the peak of its threads. With
/// one heap, resident memory stays constant; the few active threads cache small blocks without its
/// lock (tcache).
const ARENAS: &str = "MALLOC_ARENA_MAX";
const MAX_ARENAS: &str = "1";
/// The id of the process that has already executed itself. The threshold does not show that: glibc
/// removes it from the environment of a program with file capabilities.
const REEXECUTED: &str = "LOCAL_EXPORTER_REEXECUTED";

/// Executes the program again with a fixed threshold. Returns if that has been done, if the
/// environment already sets the threshold, or if executing fails, which only costs memory.
pub fn pin_mmap_threshold() {
    let process = std::process::id().to_string();
    let value = |name| std::env::var(name).unwrap_or_default();
    let is_set = !value(THRESHOLD).is_empty() || value("GLIBC_TUNABLES").contains("mmap_threshold");
    if is_set || value(REEXECUTED) == process {
        return;
    }
    let Ok(program) = std::env::current_exe() else {
        return;
    };
    let mut arguments = std::env::args_os();
    let mut command = Command::new(program);
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    // exec returns only on an error.
    let _ = command
        .args(arguments)
        .env(THRESHOLD, INITIAL_THRESHOLD)
        .env(
            ARENAS,
            std::env::var(ARENAS).as_deref().unwrap_or(MAX_ARENAS),
        )
        .env(REEXECUTED, process)
        .exec();
}
