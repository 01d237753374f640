//! Events of directories, from the process' one inotify instance.
//!
//! Who wants events subscribes to a directory here and is woken; it then looks
//! for itself, so a wake-up carries nothing and any number of them are one. The
//! thread behind it, which knows notify, stands in `watcher_thread`.
//!
//! Events are a hint, never the truth: overlay file systems, unmounts and dead
//! mounts report nothing, and what is mounted from elsewhere (`host::filesystem`) only
//! what is done here. Whoever watches also has a timer.

mod watcher_thread;

use super::pattern::Patterns;
use super::pending_writes::PendingWrites;
use prometheus::IntCounter;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tokio::sync::oneshot;
use watcher_thread::WatcherThread;

/// How long to wait for an order to be carried out before going without events.
const ORDER_DEADLINE: Duration = Duration::from_secs(1);
/// The link that a mounted `ConfigMap` swaps when any of its files changes.
const CONFIG_MAP_LINK: &str = "..data";

/// Device and inode: what a directory is, whatever its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) device: u64,
    pub(super) inode: u64,
}

/// Which names in a directory matter.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Interest {
    /// These.
    pub(super) names: BTreeSet<OsString>,
    /// Those that one of these covers.
    pub(super) patterns: Vec<Patterns>,
}

impl Interest {
    /// In one name.
    pub(super) fn in_name(name: &OsStr) -> Self {
        Self {
            names: BTreeSet::from([name.to_owned()]),
            patterns: Vec::new(),
        }
    }

    /// In all that patterns cover.
    pub(super) fn in_patterns(patterns: &Patterns) -> Self {
        Self {
            names: BTreeSet::new(),
            patterns: vec![patterns.clone()],
        }
    }

    /// In all of another as well.
    pub(super) fn add(&mut self, other: Self) {
        self.names.extend(other.names);
        for patterns in other.patterns {
            if !self.patterns.contains(&patterns) {
                self.patterns.push(patterns);
            }
        }
    }

    pub(super) fn covers(&self, name: &OsStr) -> bool {
        self.names.contains(name)
            || name == CONFIG_MAP_LINK
            || self.patterns.iter().any(|patterns| patterns.cover(name))
    }
}

/// A directory to watch.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Target {
    pub(super) directory: PathBuf,
    pub(super) identity: Identity,
    pub(super) interest: Interest,
    /// What it is on, if files there change without events as well.
    pub(super) without_events: Option<&'static str>,
}

/// The directories in which changes matter to one source.
#[derive(Debug, Default)]
pub(super) struct Targets {
    pub(super) watched: Vec<Target>,
    /// The first of those that are too many to be watched.
    pub(super) beyond: Option<PathBuf>,
}

/// The way to the watcher; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Watches {
    orders: mpsc::Sender<Order>,
    /// How often events were lost.
    lost: IntCounter,
    numbers: Arc<std::sync::atomic::AtomicU64>,
}

#[derive(Debug)]
enum Order {
    Watch {
        target: Target,
        subscriber: Subscriber,
        reply: oneshot::Sender<Result<Arc<AtomicBool>, Unwatched>>,
    },
    Forget {
        number: u64,
    },
    #[cfg(test)]
    Panic,
}

#[derive(Debug)]
struct Subscriber {
    number: u64,
    interest: Interest,
    pending_writes: Arc<PendingWrites>,
}

/// Why a directory is not watched.
#[derive(Debug)]
pub(super) enum Unwatched {
    /// It went away since it was looked at.
    Gone,
    /// There are no events to be had, and why.
    NoEvents(String),
    /// Nothing was heard of it in time.
    Late,
}

/// A directory being watched, until this is dropped.
#[derive(Debug)]
pub(super) struct Subscription {
    target: Target,
    number: u64,
    /// Cleared when the directory itself went away.
    live: Arc<AtomicBool>,
    orders: mpsc::Sender<Order>,
}

impl Subscription {
    /// Whether this still watches `target`, and not a directory that is gone.
    pub(super) fn serves(&self, target: &Target) -> bool {
        self.target == *target && self.live.load(Ordering::Acquire)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let number = self.number;
        // A thread that is gone has forgotten already.
        let _ = self.orders.send(Order::Forget { number });
    }
}

impl Watches {
    /// Starts the thread that owns the watcher; the inotify instance is made at the first order.
    pub(crate) fn start() -> io::Result<Self> {
        let (orders, inbox) = mpsc::channel();
        let lost = IntCounter::new(
            "local_exporter_file_events_lost_total",
            "Times that events of files were lost, mostly since the kernel's queue was full; all files \
             were looked at then.",
        );
        let lost = lost.map_err(io::Error::other)?;
        let watcher_thread = WatcherThread::new(lost.clone());
        let thread = std::thread::Builder::new().name("file-watches".into());
        thread.spawn(move || watcher_thread.run(&inbox))?;
        Ok(Self {
            orders,
            lost,
            numbers: Arc::default(),
        })
    }

    /// How often events were lost: the kernel's queue was full (`IN_Q_OVERFLOW`,
    /// inotify(7)), or could not be read.
    pub(crate) fn lost(&self) -> &IntCounter {
        &self.lost
    }

    /// Watches a directory: `pending_writes` is told whenever something that matters happens in it.
    ///
    /// # Errors
    /// Whether to look again at once, or to go without events.
    pub(super) async fn subscribe(
        &self,
        target: &Target,
        pending_writes: &Arc<PendingWrites>,
    ) -> Result<Subscription, Unwatched> {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let (reply, replied) = oneshot::channel();
        let order = Order::Watch {
            target: target.clone(),
            subscriber: Subscriber {
                number,
                interest: target.interest.clone(),
                pending_writes: Arc::clone(pending_writes),
            },
            reply,
        };
        let ended = || Unwatched::NoEvents("the thread that watches files has ended".into());
        self.orders.send(order).map_err(|_| ended())?;
        let live = match tokio::time::timeout(ORDER_DEADLINE, replied).await {
            Ok(Ok(live)) => live?,
            Ok(Err(_)) => return Err(ended()),
            Err(_) => return Err(Unwatched::Late),
        };
        Ok(Subscription {
            target: target.clone(),
            number,
            live,
            orders: self.orders.clone(),
        })
    }
}

/// The identity of a directory, following links.
pub(super) fn identity(path: &Path) -> io::Result<Identity> {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::metadata(path)?;
    Ok(Identity {
        device: metadata.dev(),
        inode: metadata.ino(),
    })
}

#[cfg(test)]
mod tests;
