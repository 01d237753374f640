//! Events of directories, from the only inotify instance of the process.
//!
//! Knows no kind of source.
//!
//! A source subscribes to a directory and is woken by its events. It then looks
//! at the files, so a wake-up carries no data and any number of them are one.
//!
//! Events are a hint, never the truth: overlay file systems, unmounts and stale
//! mounts report nothing, and remote file systems (`host::filesystem`) report
//! only changes that are made on this host. So each source also has a timer.

mod command;
pub(super) mod pattern;
pub(super) mod pending_writes;
mod subscribers;
mod target;
mod watcher_thread;

pub(super) use command::Unwatched;
pub(super) use target::{Identity, Interest, MAX_TARGETS, Target, Targets};

use crate::blocking::cannot_start;
use command::{Command, Subscriber};
use pending_writes::PendingWrites;
use prometheus::IntCounter;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tokio::sync::oneshot;
use watcher_thread::WatcherThread;

/// The longest time to wait for a watch to be set before going on without events.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(1);

/// A handle to the watcher thread; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Watches {
    commands: mpsc::Sender<Command>,
    lost: IntCounter,
    /// The number of the next subscriber.
    numbers: Arc<AtomicU64>,
}

/// A watched directory; dropping it ends the subscription.
#[derive(Debug)]
pub(super) struct Subscription {
    target: Target,
    number: u64,
    /// Cleared when the watch ends, for example because the directory was removed.
    live: Arc<AtomicBool>,
    commands: mpsc::Sender<Command>,
}

impl Subscription {
    /// Whether this still watches `target`, and not a directory that was removed.
    pub(super) fn serves(&self, target: &Target) -> bool {
        self.target == *target && self.live.load(Ordering::Acquire)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let number = self.number;
        // An error means that the thread has ended, and its subscriptions with it.
        let _ = self.commands.send(Command::Forget { number });
    }
}

impl Watches {
    /// Starts the thread that owns the watcher. The inotify instance is created by the first
    /// subscription.
    pub(crate) fn start() -> io::Result<Self> {
        let (commands, inbox) = mpsc::channel();
        let lost = IntCounter::new(
            "local_exporter_file_events_lost_total",
            "Times that file events were lost, usually because the kernel's queue was full. All \
             files are read again after it.",
        );
        let lost = lost.map_err(io::Error::other)?;
        let watcher = WatcherThread::new(lost.clone());
        let thread = std::thread::Builder::new().name("file-watches".into());
        let thread = thread.spawn(move || watcher.run(&inbox));
        thread.map_err(cannot_start)?;
        Ok(Self {
            commands,
            lost,
            numbers: Arc::default(),
        })
    }

    /// Counts how often events were lost: the kernel's queue was full (`IN_Q_OVERFLOW`,
    /// inotify(7)) or could not be read.
    pub(crate) fn lost(&self) -> &IntCounter {
        &self.lost
    }

    /// Watches a directory: `pending_writes` is notified of changes that the target covers.
    ///
    /// # Errors
    /// The reason that the directory is not watched.
    pub(super) async fn subscribe(
        &self,
        target: &Target,
        pending_writes: &Arc<PendingWrites>,
    ) -> Result<Subscription, Unwatched> {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let (reply, replied) = oneshot::channel();
        let command = Command::Watch {
            target: target.clone(),
            subscriber: Subscriber {
                number,
                interest: target.interest.clone(),
                pending_writes: Arc::clone(pending_writes),
            },
            reply,
        };
        let ended = || Unwatched::NoEvents("the thread that watches files has ended".into());
        self.commands.send(command).map_err(|_| ended())?;
        let live = match tokio::time::timeout(COMMAND_TIMEOUT, replied).await {
            Ok(Ok(live)) => live?,
            Ok(Err(_)) => return Err(ended()),
            Err(_) => return Err(Unwatched::Late),
        };
        Ok(Subscription {
            target: target.clone(),
            number,
            live,
            commands: self.commands.clone(),
        })
    }
}

#[cfg(test)]
mod tests;
