//! The watched directories with their subscribers, and the notification of these.
//!
//! Shared by the watcher thread and the callback of notify. Must not name
//! notify, and must not block: the lock is held only for table operations.

use super::command::Subscriber;
use super::target::Identity;
use prometheus::IntCounter;
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A change of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileChange {
    /// It was created: by a writer that has it open, or as a link.
    Created,
    /// Bytes were written, and the file is still open.
    BeingWritten,
    /// Its writer has closed it.
    Closed,
    /// It was removed, or renamed to another name.
    Removed,
    /// It was replaced as a whole, or it is unknown how it changed.
    Replaced,
    /// Its permissions, owner or times changed.
    Touched,
}

/// A handle to the table of watched directories.
///
/// When one handle is dropped, events end for all subscribers: either the thread that receives commands
/// has ended or the thread of notify. Subscribers must then rely on their timers.
pub(super) struct Subscribers {
    table: Arc<Mutex<Table>>,
    lost: IntCounter,
}

/// The watched directories. Every operation of one directory or subscriber is a lookup.
#[derive(Debug, Default)]
struct Table {
    /// By the path that was given to notify.
    watched: BTreeMap<PathBuf, Watched>,
    /// The path of each directory in `watched`.
    paths: HashMap<Identity, PathBuf>,
    /// The path of the directory of each subscriber.
    subscribed: HashMap<u64, PathBuf>,
}

#[derive(Debug)]
struct Watched {
    identity: Identity,
    live: Arc<AtomicBool>,
    /// By their numbers.
    subscribers: BTreeMap<u64, Subscriber>,
}

impl Drop for Subscribers {
    fn drop(&mut self) {
        self.table().watched.values().for_each(Watched::end);
    }
}

impl Table {
    /// Adds a subscriber to the directory with this identity, if it is watched.
    fn join(
        &mut self,
        identity: Identity,
        subscriber: Subscriber,
    ) -> Result<Arc<AtomicBool>, Subscriber> {
        let path = self.paths.get(&identity);
        let Some((path, watched)) = path.and_then(|path| {
            let watched = self.watched.get_mut(path)?;
            watched
                .live
                .load(Ordering::Acquire)
                .then_some((path, watched))
        }) else {
            return Err(subscriber);
        };
        self.subscribed.insert(subscriber.number, path.clone());
        watched.subscribers.insert(subscriber.number, subscriber);
        Ok(Arc::clone(&watched.live))
    }

    fn remove(&mut self, path: &Path) -> Option<Watched> {
        let watched = self.watched.remove(path)?;
        self.paths.remove(&watched.identity);
        for number in watched.subscribers.keys() {
            self.subscribed.remove(number);
        }
        Some(watched)
    }

    /// Removes a subscriber; returns the path of its directory if it was the last one there.
    fn forget(&mut self, number: u64) -> Option<PathBuf> {
        let path = self.subscribed.remove(&number)?;
        let watched = self.watched.get_mut(&path)?;
        watched.subscribers.remove(&number);
        if !watched.subscribers.is_empty() {
            return None;
        }
        self.remove(&path);
        Some(path)
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
        self.table().join(identity, subscriber)
    }

    /// Adds a directory that is watched from now on. Neither its path nor its identity must be in
    /// the table.
    pub(super) fn insert(
        &self,
        path: &Path,
        identity: Identity,
        subscriber: Subscriber,
    ) -> Arc<AtomicBool> {
        let live = Arc::new(AtomicBool::new(true));
        let number = subscriber.number;
        let watched = Watched {
            identity,
            live: Arc::clone(&live),
            subscribers: BTreeMap::from([(number, subscriber)]),
        };
        let mut table = self.table();
        table.paths.insert(identity, path.to_owned());
        table.subscribed.insert(number, path.to_owned());
        table.watched.insert(path.to_owned(), watched);
        live
    }

    /// Removes the directory that is watched under this path, and the one with this identity;
    /// notifies their subscribers, and returns the paths.
    pub(super) fn end(&self, path: &Path, identity: Option<Identity>) -> Vec<PathBuf> {
        let mut table = self.table();
        let other = identity.and_then(|identity| table.paths.get(&identity).cloned());
        let paths = [Some(path.to_owned()), other].into_iter().flatten();
        let mut ended = Vec::new();
        for path in paths {
            if let Some(watched) = table.remove(&path) {
                watched.end();
                ended.push(path);
            }
        }
        ended
    }

    /// Removes a subscriber; returns the path of its directory if it was the last one there.
    pub(super) fn forget(&self, number: u64) -> Option<PathBuf> {
        self.table().forget(number)
    }

    /// Notifies of a change of the file or directory at a path.
    pub(super) fn changed(&self, path: &Path, change: FileChange) {
        let table = self.table();
        if let Some(watched) = table.watched.get(path) {
            watched.notify_all();
        }
        notify_parent(&table, path, change);
    }

    /// Notifies of the removal or renaming of a path: notify stops watching all that is below a
    /// directory, or below a link to one.
    pub(super) fn removed(&self, path: &Path, change: FileChange) {
        let table = self.table();
        let from_here = (Bound::Included(path), Bound::Unbounded);
        let below = table.watched.range::<Path, _>(from_here);
        let below = below.take_while(|(known, _)| known.starts_with(path));
        below.for_each(|(_, watched)| watched.end());
        notify_parent(&table, path, change);
    }

    /// Counts lost events. The removal of a directory may be among them, so all watches end and
    /// all subscribers look again.
    pub(super) fn events_lost(&self) {
        self.lost.inc();
        self.table().watched.values().for_each(Watched::end);
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn notify_parent(table: &Table, path: &Path, change: FileChange) {
    if let (Some(parent), Some(name)) = (path.parent(), path.file_name())
        && let Some(watched) = table.watched.get(parent)
    {
        watched.notify(name, change);
    }
}

impl Watched {
    fn notify(&self, name: &OsStr, change: FileChange) {
        let interested = self.subscribers.values();
        let interested = interested.filter(|subscriber| subscriber.interest.covers(name));
        for Subscriber { pending_writes, .. } in interested {
            match change {
                FileChange::Created => pending_writes.was_created(name),
                FileChange::BeingWritten => pending_writes.was_written(name),
                FileChange::Closed => pending_writes.was_closed(name),
                FileChange::Removed => pending_writes.was_removed(name),
                FileChange::Replaced => pending_writes.was_replaced(name),
                FileChange::Touched => pending_writes.was_touched(),
            }
        }
    }

    fn notify_all(&self) {
        for subscriber in self.subscribers.values() {
            subscriber.pending_writes.anything_changed();
        }
    }

    /// Ends the watch: subscribers that want further events have to subscribe again.
    fn end(&self) {
        self.live.store(false, Ordering::Release);
        self.notify_all();
    }
}
