//! Repeats a change as fast as the machine allows until it is stopped.
//!
//! Guarantees: no change is in progress after [`Storm::end`] or a drop; the first error ends the
//! storm and is returned by [`Storm::end`].

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

/// A thread that makes changes.
#[derive(Debug)]
pub struct Storm {
    ending: Arc<AtomicBool>,
    changes: Arc<AtomicU64>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Storm {
    /// Starts to repeat the change, which gets the number of changes before it.
    ///
    /// # Errors
    ///
    /// If no thread can be started.
    pub fn of(mut change: impl FnMut(u64) -> io::Result<()> + Send + 'static) -> io::Result<Self> {
        let (ending, changes) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let (over, count) = (Arc::clone(&ending), Arc::clone(&changes));
        let blow = move || {
            while !over.load(Ordering::Relaxed) {
                change(count.load(Ordering::Relaxed))?;
                count.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        };
        Ok(Self {
            ending,
            changes,
            thread: Some(
                thread::Builder::new()
                    .name("storm".to_owned())
                    .spawn(blow)?,
            ),
        })
    }

    /// The number of changes so far.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    /// Stops it and returns the total number of changes.
    ///
    /// # Errors
    ///
    /// The error of the change that failed.
    pub fn end(mut self) -> io::Result<u64> {
        self.ending.store(true, Ordering::Relaxed);
        let panicked = |_| Err(io::Error::other("a change panicked"));
        let ended = self
            .thread
            .take()
            .map_or(Ok(()), |thread| thread.join().unwrap_or_else(panicked));
        ended.map(|()| self.changes())
    }
}

impl Drop for Storm {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A drop cannot report an error.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        reason = "a test fails by panicking, at the line that is wrong"
    )]
    use super::Storm;
    use std::io;
    use std::sync::mpsc::channel;

    #[test]
    fn it_counts_its_changes_and_ends_on_request() {
        let (made, changes) = channel();
        let storm = Storm::of(move |number| made.send(number).map_err(io::Error::other)).unwrap();
        for expected in 0..100 {
            assert_eq!(changes.recv().unwrap(), expected);
        }
        let made = storm.end().unwrap();
        assert_eq!(u64::try_from(changes.iter().count()).unwrap() + 100, made);
    }

    #[test]
    fn an_error_ends_it_and_is_reported() {
        let storm = Storm::of(|number| match number {
            3 => Err(io::Error::other("enough")),
            _ => Ok(()),
        });
        let storm = storm.unwrap();
        while storm.changes() < 3 {
            std::thread::yield_now();
        }
        assert_eq!(storm.end().unwrap_err().to_string(), "enough");
    }
}
