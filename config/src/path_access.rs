//! Access to configured paths with a deadline.
//!
//! A file system can hang: the server of a network mount is gone, or the process behind a FUSE mount. A
//! thread that accesses it waits in the kernel and cannot be stopped. So each access runs on a thread of
//! its own, and the caller waits for at most [`ACCESS_TIMEOUT`].
//!
//! - One thread executes all accesses, one after the other. It is replaced only when one of them hangs.
//! - While an access hangs, others to the same path or the same mount fail at once.
//! - At most 16 threads hang at the same time; beyond that, every access fails.

use crate::mount_table::mount_point;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The time that one access may take. A disk may have to spin up, or a server to respond.
pub const ACCESS_TIMEOUT: Duration = Duration::from_secs(3);
/// The most threads that wait for file systems.
const MAX_HUNG: usize = 16;

type Access = Box<dyn FnOnce() + Send>;

/// Accesses configured paths, each with a deadline. Clones share their threads.
#[derive(Clone, Debug, Default)]
pub struct PathAccess(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    worker: Option<Worker>,
    hung: Vec<Hung>,
}

/// The thread that executes the accesses.
#[derive(Debug)]
struct Worker {
    accesses: Sender<Access>,
    thread: JoinHandle<()>,
}

/// An access that has exceeded its deadline.
#[derive(Debug)]
struct Hung {
    path: PathBuf,
    mount: Option<PathBuf>,
    has_ended: Arc<AtomicBool>,
}

impl PathAccess {
    /// Runs an operation that may access `path`, and nothing else that can hang.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`] if it takes longer than [`ACCESS_TIMEOUT`], or an earlier one on the
    /// same mount still does; others if there is no thread for it, or it panics.
    pub fn run<T: Send + 'static>(
        &self,
        path: &Path,
        operation: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<T> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.check(path)?;
        let has_ended = Arc::new(AtomicBool::new(false));
        let (sender, result) = mpsc::sync_channel(1);
        let ended = Arc::clone(&has_ended);
        state.submit(Box::new(move || {
            let value = operation();
            ended.store(true, Ordering::Release);
            // The receiver is gone if the deadline has passed.
            let _ = sender.send(value);
        }))?;
        match result.recv_timeout(ACCESS_TIMEOUT) {
            Ok(value) => Ok(value),
            Err(RecvTimeoutError::Timeout) => {
                state.worker = None;
                state.hung.push(Hung {
                    path: path.to_owned(),
                    mount: mount_point(path),
                    has_ended,
                });
                Err(hangs())
            }
            Err(RecvTimeoutError::Disconnected) => {
                state.worker = None;
                Err(io::Error::other("reading it panicked; see the log"))
            }
        }
    }

    /// Ends the thread if it is idle, so that a later access starts one with the access rights that the
    /// caller then has.
    pub fn release(&self) {
        let worker = {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            state.worker.take()
        };
        if let Some(Worker { accesses, thread }) = worker {
            drop(accesses);
            // A panic was reported to the caller of the access.
            let _ = thread.join();
        }
    }
}

impl State {
    /// Refuses an access that would hang as well.
    fn check(&mut self, path: &Path) -> io::Result<()> {
        self.hung
            .retain(|hung| !hung.has_ended.load(Ordering::Acquire));
        if self.hung.is_empty() {
            return Ok(());
        }
        let mount = mount_point(path);
        let same = |hung: &Hung| hung.path == path || mount.is_some() && hung.mount == mount;
        if self.hung.iter().any(same) {
            return Err(hangs());
        }
        match self.hung.len() {
            0..MAX_HUNG => Ok(()),
            _ => Err(io::Error::other(format!(
                "not accessed: {MAX_HUNG} accesses to other paths hang"
            ))),
        }
    }

    fn submit(&mut self, access: Access) -> io::Result<()> {
        if self.worker.is_none() {
            let (accesses, queue) = mpsc::channel::<Access>();
            let thread = thread::Builder::new()
                .name("paths".to_owned())
                .spawn(move || queue.into_iter().for_each(|access| access()))?;
            self.worker = Some(Worker { accesses, thread });
        }
        let sent = self
            .worker
            .as_ref()
            .map(|worker| worker.accesses.send(access));
        match sent {
            Some(Ok(())) => Ok(()),
            _ => {
                self.worker = None;
                Err(io::Error::other("the thread that accesses paths has ended"))
            }
        }
    }
}

fn hangs() -> io::Error {
    io::Error::new(
        io::ErrorKind::TimedOut,
        format!("no reply within {ACCESS_TIMEOUT:?}; the file system it is on is slow or hangs"),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;
    use std::sync::mpsc::channel;
    use std::time::Instant;

    #[test]
    fn a_path_that_hangs_does_not_delay_others() {
        let access = PathAccess::default();
        let (release, held) = channel::<()>();
        let began = Instant::now();
        let error = access
            .run(Path::new("/a"), move || held.recv())
            .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(began.elapsed() >= ACCESS_TIMEOUT);
        let began = Instant::now();
        assert!(
            access.run(Path::new("/a"), || ()).is_err(),
            "it still hangs"
        );
        assert_eq!(access.run(Path::new("/b"), || 1).unwrap(), 1);
        assert!(began.elapsed() < ACCESS_TIMEOUT);
        release.send(()).unwrap();
        while access.run(Path::new("/a"), || ()).is_err() {
            assert!(began.elapsed() < Duration::from_secs(30));
            thread::yield_now();
        }
    }

    #[test]
    fn one_thread_executes_all_accesses_until_it_is_released() {
        let access = PathAccess::default();
        let thread = || {
            access
                .run(Path::new("/a"), || thread::current().id())
                .unwrap()
        };
        let first = thread();
        assert_eq!(thread(), first);
        access.release();
        assert_ne!(thread(), first);
    }

    #[test]
    fn a_panic_fails_one_access() {
        let access = PathAccess::default();
        let panicking = access.run(Path::new("/a"), || {
            assert!(thread::current().name().is_none());
        });
        assert!(panicking.is_err());
        assert!(access.run(Path::new("/a"), || ()).is_ok());
    }

    #[test]
    fn the_number_of_threads_that_hang_is_bounded() {
        let access = PathAccess::default();
        let never = |path: &str| Hung {
            path: path.into(),
            mount: None,
            has_ended: Arc::default(),
        };
        access.0.lock().unwrap().hung = (0..MAX_HUNG).map(|n| never(&n.to_string())).collect();
        let error = access.run(Path::new("/a"), || ()).unwrap_err();
        assert!(
            error.to_string().starts_with("not accessed: 16 "),
            "{error}"
        );
    }
}
