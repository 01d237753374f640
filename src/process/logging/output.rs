//! Where log lines go: directly to the sink at first, and through a bounded queue while serving.
//!
//! If the reader of a pipe stops reading, the writer blocks for ever. While the exporter
//! serves, only the thread of the queue writes; a line that does not fit is dropped and counted. Before
//! that, the process has one thread, which waits for a moment. Shutdown does not wait for a reader.

use super::sink::Sink;
use super::writer::LineFormat;
use local_exporter_actors::check_threads;
use prometheus::IntCounter;
use std::fmt;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};

/// Most lines that wait to be written; some hundred KiB, since a line rarely exceeds 500 bytes.
const MAX_LINES: usize = 1024;

/// The output of log lines; clones share it.
#[derive(Clone, Debug)]
pub struct Log(Arc<Shared>);

struct Shared {
    sink: Sink,
    queue: OnceLock<Queue>,
    dropped: IntCounter,
    /// The part of the count of the queue that `dropped` contains.
    counted: AtomicU64,
}

struct Queue {
    lines: NonBlocking,
    lost: ErrorCounter,
    /// Ends the thread when it is dropped, after the lines that are queued.
    guard: Mutex<Option<WorkerGuard>>,
}

/// Writes the queued lines when it is dropped, for at most about a second.
#[derive(Debug)]
pub struct FlushLog(Log);

impl fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Log").finish_non_exhaustive()
    }
}

impl Log {
    /// Writes directly to the sink.
    ///
    /// # Errors
    /// If the counter has an invalid name, which a test rules out.
    pub(super) fn new(sink: Sink) -> prometheus::Result<Self> {
        let dropped = IntCounter::new(
            "local_exporter_log_lines_dropped_total",
            "Log lines that were dropped because the reader of the log did not keep up.",
        )?;
        Ok(Self(Arc::new(Shared {
            sink,
            queue: OnceLock::new(),
            dropped,
            counted: AtomicU64::new(0),
        })))
    }

    pub(super) fn format(&self) -> LineFormat {
        self.0.sink.format()
    }

    /// Counts the dropped lines.
    pub(crate) fn dropped(&self) -> &IntCounter {
        &self.0.dropped
    }

    /// From here on, another thread writes the lines. A second call changes nothing.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub(crate) fn write_on_thread(&self) -> io::Result<()> {
        if self.0.queue.get().is_some() {
            return Ok(());
        }
        // tracing-appender panics if it cannot start its thread.
        check_threads(1)?;
        let (lines, guard) = NonBlockingBuilder::default()
            .buffered_lines_limit(MAX_LINES)
            .lossy(true)
            .thread_name("log")
            .finish(self.0.sink.reporting(self.0.dropped.clone()));
        let queue = Queue {
            lost: lines.error_counter(),
            lines,
            guard: Mutex::new(Some(guard)),
        };
        // Only this thread sets it.
        let _ = self.0.queue.set(queue);
        Ok(())
    }

    /// Writes what is queued at the end of the process.
    #[must_use]
    pub fn flush_at_end(&self) -> FlushLog {
        FlushLog(self.clone())
    }
}

impl Shared {
    /// Adds the lines that the queue has dropped to the counter.
    fn count_lost(&self, queue: &Queue) {
        let lost = queue.lost.dropped_lines() as u64;
        let before = self.counted.fetch_max(lost, Ordering::AcqRel);
        self.dropped.inc_by(lost.saturating_sub(before));
    }
}

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match self.0.queue.get() {
            Some(queue) => {
                let written = queue.lines.clone().write(line);
                self.0.count_lost(queue);
                written
            }
            None => {
                if let Err(error) = self.0.sink.write_soon(line) {
                    self.0.dropped.inc();
                    return Err(error);
                }
                Ok(line.len())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for FlushLog {
    fn drop(&mut self) {
        let Some(queue) = self.0.0.queue.get() else {
            return;
        };
        let mut guard = queue.guard.lock().unwrap_or_else(PoisonError::into_inner);
        let guard = guard.take();
        match self.0.0.sink.has_drained(self.0.0.dropped.get()) {
            // Waits for at most 1.1 s.
            true => drop(guard),
            // The reader does not keep up, so waiting for it has no use.
            false => std::mem::forget(guard),
        }
    }
}
