//! The thread that owns the watcher, and what notify calls back.
//!
//! The only file that knows notify. The thread takes orders; notify's own
//! thread calls back, and the callback may only filter and tell: it must not
//! panic (that would end notify's thread without a word) and must not order
//! (that would wait for itself).

use super::{Identity, Order, Subscriber, Target, Unwatched, identity};
use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use prometheus::IntCounter;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::mem::ManuallyDrop;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};

impl From<notify::Error> for Unwatched {
    fn from(error: notify::Error) -> Self {
        match &error.kind {
            notify::ErrorKind::PathNotFound => Self::Gone,
            notify::ErrorKind::Io(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
                Self::Gone
            }
            _ => Self::NoEvents(error.to_string()),
        }
    }
}

/// What is watched, by the path given to notify; shared with the callback.
type Table = Arc<Mutex<BTreeMap<PathBuf, Watched>>>;

#[derive(Debug)]
struct Watched {
    identity: Identity,
    live: Arc<AtomicBool>,
    subscribers: Vec<Subscriber>,
}

/// What is watched, for as long as somebody tells of it. Whether the thread that takes orders
/// ends or notify's own: nobody may go on waiting for events, who could have the timer.
struct Subscribers {
    table: Table,
    lost: IntCounter,
}

impl Drop for Subscribers {
    fn drop(&mut self) {
        lock(&self.table).values().for_each(Watched::end);
    }
}

fn lock(table: &Table) -> MutexGuard<'_, BTreeMap<PathBuf, Watched>> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The owner of the watcher.
pub(super) struct WatcherThread {
    /// Never dropped by a panic: notify panics again when it is dropped after its
    /// own thread is gone, and two panics at once would end the process.
    watcher: Option<ManuallyDrop<RecommendedWatcher>>,
    subscribers: Subscribers,
}

impl WatcherThread {
    /// One that watches nothing yet, and counts how often events were lost.
    pub(super) fn new(lost: IntCounter) -> Self {
        let table = Table::default();
        Self {
            watcher: None,
            subscribers: Subscribers { table, lost },
        }
    }

    /// Carries out orders until nobody can give any more.
    pub(super) fn run(mut self, inbox: &mpsc::Receiver<Order>) {
        while let Ok(order) = inbox.recv() {
            match order {
                Order::Watch {
                    target,
                    subscriber,
                    reply,
                } => {
                    // Who stopped waiting drops its end, and the subscriber is forgotten below.
                    let number = subscriber.number;
                    let live = self.watch(&target, subscriber);
                    if reply.send(live).is_err() {
                        self.forget(number);
                    }
                }
                Order::Forget { number } => self.forget(number),
                #[cfg(test)]
                Order::Panic => panic!("on order"),
            }
        }
        drop(self.watcher.take().map(ManuallyDrop::into_inner));
    }

    fn watch(
        &mut self,
        target: &Target,
        subscriber: Subscriber,
    ) -> Result<Arc<AtomicBool>, Unwatched> {
        // notify keys by path and inotify by inode: of two paths to one directory the second
        // would silence the first, and the end of either would end both. So there is one entry
        // for each directory, which all share.
        let path = &target.directory;
        {
            let mut table = lock(&self.subscribers.table);
            let is_same = |watched: &&mut Watched| watched.identity == target.identity;
            let mut same = table.values_mut().filter(is_same);
            if let Some(watched) = same.find(|watched| watched.live.load(Ordering::Acquire)) {
                watched.subscribers.push(subscriber);
                return Ok(Arc::clone(&watched.live));
            }
        }
        // What stood under this path before is gone, or is this under another path. WatchMode it
        // again without this would go on reporting the old directory.
        self.end_all(|known, watched| known == path || watched.identity == target.identity);
        let watcher = match &mut self.watcher {
            Some(watcher) => watcher,
            None => {
                let subscribers = Subscribers {
                    table: Arc::clone(&self.subscribers.table),
                    lost: self.subscribers.lost.clone(),
                };
                let watcher =
                    notify::recommended_watcher(move |event| dispatch(&subscribers, &event))?;
                self.watcher.insert(ManuallyDrop::new(watcher))
            }
        };
        watcher.watch(path, RecursiveMode::NonRecursive)?;
        if identity(path).ok() != Some(target.identity) {
            // It leads elsewhere since it was looked at. Whoever watched that has lost it to this
            // path, and has to ask again, as has whoever asked now.
            let _ = watcher.unwatch(path);
            let found = identity(path);
            self.end_all(|_, watched| found.as_ref().is_ok_and(|it| *it == watched.identity));
            return Err(Unwatched::Gone);
        }
        let live = Arc::new(AtomicBool::new(true));
        let watched = Watched {
            identity: target.identity,
            live: Arc::clone(&live),
            subscribers: vec![subscriber],
        };
        lock(&self.subscribers.table).insert(path.clone(), watched);
        Ok(live)
    }

    /// Ends the watching of directories: whoever waits for their events is subscribers.
    fn end_all(&mut self, which: impl Fn(&PathBuf, &Watched) -> bool) {
        let mut ended = Vec::new();
        lock(&self.subscribers.table).retain(|path, watched| {
            let ends = which(path, watched);
            if ends {
                watched.end();
                ended.push(path.clone());
            }
            !ends
        });
        self.unwatch(&ended);
    }

    fn unwatch(&mut self, paths: &[PathBuf]) {
        for path in paths {
            if let Some(watcher) = &mut self.watcher {
                // The kernel forgets a directory that is gone by itself.
                let _ = watcher.unwatch(path);
            }
        }
    }

    fn forget(&mut self, number: u64) {
        let mut table = lock(&self.subscribers.table);
        let mut unused = Vec::new();
        for (path, watched) in table.iter_mut() {
            watched
                .subscribers
                .retain(|subscriber| subscriber.number != number);
            if watched.subscribers.is_empty() {
                unused.push(path.clone());
            }
        }
        for path in &unused {
            table.remove(path);
        }
        drop(table);
        self.unwatch(&unused);
    }
}

/// Called on notify's thread for each event.
fn dispatch(subscribers: &Subscribers, event: &notify::Result<Event>) {
    let table = lock(&subscribers.table);
    let event = match event {
        Ok(event) if !event.need_rescan() => event,
        // Events were lost, and with them, perhaps, that a directory has gone: everybody looks,
        // and what is there now is watched anew.
        _ => {
            subscribers.lost.inc();
            table.values().for_each(Watched::end);
            return;
        }
    };
    let Some(change) = Change::of(event.kind) else {
        return;
    };
    for path in &event.paths {
        // With a directory, or a link to one, notify stops watching all that is below its path.
        let gone = matches!(
            event.kind,
            EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))
        );
        if gone {
            let below = table.range::<Path, _>((Bound::Included(path.as_path()), Bound::Unbounded));
            let below = below.take_while(|(known, _)| known.starts_with(path));
            below.for_each(|(_, watched)| watched.end());
        } else if let Some(watched) = table.get(path) {
            watched.tell_all();
        }
        if let (Some(parent), Some(name)) = (path.parent(), path.file_name())
            && let Some(watched) = table.get(parent)
        {
            watched.tell(name, change);
        }
    }
}

/// What an event means to whoever reads the file.
#[derive(Clone, Copy)]
enum Change {
    /// Its writer is at it: half of a file is nothing to read.
    BeingWritten,
    /// Its writer has closed it.
    Closed,
    /// There is something else to be read under its name, or nothing.
    Changed,
}

impl Change {
    /// Reading is what the exporter itself does: reacting to it would never end.
    fn of(kind: EventKind) -> Option<Self> {
        match kind {
            EventKind::Access(AccessKind::Close(AccessMode::Write)) => Some(Self::Closed),
            EventKind::Access(_) => None,
            EventKind::Modify(ModifyKind::Data(_)) => Some(Self::BeingWritten),
            EventKind::Any
            | EventKind::Create(_)
            | EventKind::Modify(_)
            | EventKind::Remove(_)
            | EventKind::Other => Some(Self::Changed),
        }
    }
}

impl Watched {
    fn tell(&self, name: &OsStr, change: Change) {
        for subscriber in &self.subscribers {
            if !subscriber.interest.covers(name) {
                continue;
            }
            match change {
                Change::BeingWritten => subscriber.pending_writes.is_written(name),
                Change::Closed => subscriber.pending_writes.was_closed(name),
                Change::Changed => subscriber.pending_writes.has_changed(name),
            }
        }
    }

    /// There are no more events: whoever wants some subscribes again.
    fn end(&self) {
        self.live.store(false, Ordering::Release);
        self.tell_all();
    }

    fn tell_all(&self) {
        for subscriber in &self.subscribers {
            subscriber.pending_writes.anything_changed();
        }
    }
}
