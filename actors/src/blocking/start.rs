//! Starting threads when the system may refuse them.

use std::io;
use std::sync::{Arc, RwLock};

/// The message about a thread that the system refused, with its remedies.
pub(super) fn refused(error: &io::Error) -> String {
    format!(
        "no thread can be started: {error}; raise the limit of processes and threads (TasksMax=, \
         pids.max, ulimit -u)"
    )
}

/// An error of starting a thread, with its remedies.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
#[must_use]
pub fn cannot_start(error: io::Error) -> io::Error {
    io::Error::new(error.kind(), refused(&error))
}

/// Checks that this many threads can be started, by starting them together. For libraries that
/// panic or fail silently otherwise.
///
/// # Errors
/// If the system refuses one of them.
pub fn check_threads(count: usize) -> io::Result<()> {
    let gate = Arc::new(RwLock::new(()));
    let closed = gate.write();
    let start = |_| {
        let gate = Arc::clone(&gate);
        std::thread::Builder::new().spawn(move || drop(gate.read()))
    };
    let threads: Vec<_> = (0..count).map(start).collect();
    drop(closed);
    for thread in threads {
        // It cannot panic.
        let _ = thread.map_err(cannot_start)?.join();
    }
    Ok(())
}
