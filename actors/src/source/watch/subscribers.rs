//! The watched directories with their subscribers, and the notification of these.
//!
//! Shared by the watcher thread and the callback of notify. Must not name
//! notify, and must not block: the lock is held only for table operations.

use super::command::Subscriber;
use super::target::Identity;
use prometheus::IntCounter;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A change of one file.
#[derive(Clone, Copy)]
pub(super) enum FileChange {
    /// Bytes were written, and the file is still open.
    BeingWritten,
    /// Its writer has closed it.
    Closed,
    /// It was created, replaced or removed, or it is unknown how it changed.
    Replaced,
}

/// A handle to the table of watched directories.
///
/// When one handle is dropped, events end for all subscribers: either the thread that receives commands
/// has ended or the thread of notify. Subscribers must then rely on their timers.
pub(super) struct Subscribers {
    /// By the path that was given to notify.
    table: Arc<Mutex<BTreeMap<PathBuf, Watched>>>,
    lost: IntCounter,
}

#[derive(Debug)]
struct Watched {
    identity: Identity,
    live: Arc<AtomicBool>,
    subscribers: Vec<Subscriber>,
}

impl Drop for Subscribers {
    fn drop(&mut self) {
        self.table().values().for_each(Watched::end);
    }
}

impl Subscribers {
    /// An empty table; `lost` counts how often events were lost.
    pub(super) fn new(lost: IntCounter) -> Self {
        Self {
            table: Arc::default(),
            lost,
        }
    }

    /// Another handle to the same table.
    pub(super) fn share(&self) -> Self {
        Self {
            table: Arc::clone(&self.table),
            lost: self.lost.clone(),
        }
    }

    /// Adds a subscriber to the directory with this identity, if it is watched under any path;
    /// returns the subscriber otherwise.
    pub(super) fn join(
        &self,
        identity: Identity,
        subscriber: Subscriber,
    ) -> Result<Arc<AtomicBool>, Subscriber> {
        let mut table = self.table();
        let mut same = table
            .values_mut()
            .filter(|watched| watched.identity == identity);
        match same.find(|watched| watched.live.load(Ordering::Acquire)) {
            Some(watched) => {
                watched.subscribers.push(subscriber);
                Ok(Arc::clone(&watched.live))
            }
            None => Err(subscriber),
        }
    }

    /// Adds a directory that is watched from now on.
    pub(super) fn insert(
        &self,
        path: &Path,
        identity: Identity,
        subscriber: Subscriber,
    ) -> Arc<AtomicBool> {
        let live = Arc::new(AtomicBool::new(true));
        let watched = Watched {
            identity,
            live: Arc::clone(&live),
            subscribers: vec![subscriber],
        };
        self.table().insert(path.to_owned(), watched);
        live
    }

    /// Removes directories, notifies their subscribers, and returns the paths.
    pub(super) fn end(&self, which: impl Fn(&Path, Identity) -> bool) -> Vec<PathBuf> {
        let mut ended = Vec::new();
        self.table().retain(|path, watched| {
            let ends = which(path, watched.identity);
            if ends {
                watched.end();
                ended.push(path.clone());
            }
            !ends
        });
        ended
    }

    /// Removes a subscriber, and returns the paths that have none left.
    pub(super) fn forget(&self, number: u64) -> Vec<PathBuf> {
        let mut unused = Vec::new();
        self.table().retain(|path, watched| {
            let others = |subscriber: &Subscriber| subscriber.number != number;
            watched.subscribers.retain(others);
            let is_used = !watched.subscribers.is_empty();
            if !is_used {
                unused.push(path.clone());
            }
            is_used
        });
        unused
    }

    /// Notifies of a change of the file or directory at a path.
    pub(super) fn changed(&self, path: &Path, change: FileChange) {
        let table = self.table();
        if let Some(watched) = table.get(path) {
            watched.notify_all();
        }
        notify_parent(&table, path, change);
    }

    /// Notifies of the removal or renaming of a path: notify stops watching all that is below a
    /// directory, or below a link to one.
    pub(super) fn removed(&self, path: &Path, change: FileChange) {
        let table = self.table();
        let from_here = (Bound::Included(path), Bound::Unbounded);
        let below = table.range::<Path, _>(from_here);
        let below = below.take_while(|(known, _)| known.starts_with(path));
        below.for_each(|(_, watched)| watched.end());
        notify_parent(&table, path, change);
    }

    /// Counts lost events. The removal of a directory may be among them, so all watches end and
    /// all subscribers look again.
    pub(super) fn events_lost(&self) {
        self.lost.inc();
        self.table().values().for_each(Watched::end);
    }

    fn table(&self) -> MutexGuard<'_, BTreeMap<PathBuf, Watched>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn notify_parent(table: &BTreeMap<PathBuf, Watched>, path: &Path, change: FileChange) {
    if let (Some(parent), Some(name)) = (path.parent(), path.file_name())
        && let Some(watched) = table.get(parent)
    {
        watched.notify(name, change);
    }
}

impl Watched {
    fn notify(&self, name: &OsStr, change: FileChange) {
        let interested = self.subscribers.iter();
        let interested = interested.filter(|subscriber| subscriber.interest.covers(name));
        for Subscriber { pending_writes, .. } in interested {
            match change {
                FileChange::BeingWritten => pending_writes.was_written(name),
                FileChange::Closed => pending_writes.was_closed(name),
                FileChange::Replaced => pending_writes.was_replaced(name),
            }
        }
    }

    fn notify_all(&self) {
        for subscriber in &self.subscribers {
            subscriber.pending_writes.anything_changed();
        }
    }

    /// Ends the watch: subscribers that want further events have to subscribe again.
    fn end(&self) {
        self.live.store(false, Ordering::Release);
        self.notify_all();
    }
}
