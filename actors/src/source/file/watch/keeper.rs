//! The thread that owns the watcher, and what notify calls back.
//!
//! The only file that knows notify. The thread takes orders; notify's own
//! thread calls back, and the callback may only filter and tell: it must not
//! panic (that would end notify's thread without a word) and must not order
//! (that would wait for itself).

use super::{Identity, Order, Subscriber, Target, Unwatched};
use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::mem::ManuallyDrop;
use std::path::PathBuf;
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
type Table = Arc<Mutex<HashMap<PathBuf, Watched>>>;

#[derive(Debug)]
struct Watched {
    identity: Identity,
    live: Arc<AtomicBool>,
    subscribers: Vec<Subscriber>,
}

/// What is watched, for as long as somebody tells of it. Whether the thread that takes orders
/// ends or notify's own: nobody may go on waiting for events, who could have the timer.
struct Told(Table);

impl Drop for Told {
    fn drop(&mut self) {
        for watched in lock(&self.0).values() {
            watched.live.store(false, Ordering::Release);
            watched.tell_all();
        }
    }
}

fn lock(table: &Table) -> MutexGuard<'_, HashMap<PathBuf, Watched>> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The owner of the watcher.
pub(super) struct Keeper {
    /// Never dropped by a panic: notify panics again when it is dropped after its
    /// own thread is gone, and two panics at once would end the process.
    watcher: Option<ManuallyDrop<RecommendedWatcher>>,
    table: Table,
    _told: Told,
}

impl Keeper {
    pub(super) fn new() -> Self {
        let table = Table::default();
        Self {
            watcher: None,
            _told: Told(Arc::clone(&table)),
            table,
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
        // notify keys by path and inotify by inode: a second path to the same
        // directory would silence the first, so it shares the first's watch.
        if let Some(watched) = lock(&self.table)
            .values_mut()
            .find(|watched| watched.identity == target.identity)
            .filter(|watched| watched.live.load(Ordering::Acquire))
        {
            watched.subscribers.push(subscriber);
            return Ok(Arc::clone(&watched.live));
        }
        let path = &target.directory;
        let watcher = match &mut self.watcher {
            Some(watcher) => watcher,
            None => {
                let told = Told(Arc::clone(&self.table));
                let watcher = notify::recommended_watcher(move |event| dispatch(&told, &event))?;
                self.watcher.insert(ManuallyDrop::new(watcher))
            }
        };
        // What stood under this path before is gone; watching it again without
        // this would go on reporting the old directory.
        let before = lock(&self.table).remove(path);
        if let Some(before) = &before {
            before.live.store(false, Ordering::Release);
            let _ = watcher.unwatch(path);
        }
        watcher.watch(path, RecursiveMode::NonRecursive)?;
        let live = Arc::new(AtomicBool::new(true));
        let mut subscribers = before.map_or_else(Vec::new, |before| before.subscribers);
        subscribers.push(subscriber);
        let watched = Watched {
            identity: target.identity,
            live: Arc::clone(&live),
            subscribers,
        };
        lock(&self.table).insert(path.clone(), watched);
        Ok(live)
    }

    fn forget(&mut self, number: u64) {
        let mut table = lock(&self.table);
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
        for path in &unused {
            if let Some(watcher) = &mut self.watcher {
                // The kernel forgets a directory that is gone by itself.
                let _ = watcher.unwatch(path);
            }
        }
    }
}

/// Called on notify's thread for each event.
fn dispatch(told: &Told, event: &notify::Result<Event>) {
    let table = lock(&told.0);
    let event = match event {
        Ok(event) if !event.need_rescan() => event,
        // Events were lost, and with them, perhaps, that a directory has gone: everybody looks,
        // and what is there now is watched anew.
        _ => {
            for watched in table.values() {
                watched.live.store(false, Ordering::Release);
                watched.tell_all();
            }
            return;
        }
    };
    let Some(news) = News::of(event.kind) else {
        return;
    };
    for path in &event.paths {
        if let Some(watched) = table.get(path) {
            // About the watched directory itself.
            let gone = matches!(
                event.kind,
                EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))
            );
            if gone {
                watched.live.store(false, Ordering::Release);
            }
            watched.tell_all();
        }
        if let (Some(parent), Some(name)) = (path.parent(), path.file_name())
            && let Some(watched) = table.get(parent)
        {
            watched.tell(name, news);
        }
    }
}

/// What an event means to whoever reads the file.
#[derive(Clone, Copy)]
enum News {
    /// Its writer is at it: half of a file is nothing to read.
    BeingWritten,
    /// Its writer has closed it.
    Closed,
    /// There is something else to be read under its name, or nothing.
    Changed,
}

impl News {
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
    fn tell(&self, name: &OsStr, news: News) {
        for subscriber in &self.subscribers {
            if !subscriber.interest.covers(name) {
                continue;
            }
            match news {
                News::BeingWritten => subscriber.activity.is_written(name),
                News::Closed => subscriber.activity.was_closed(name),
                News::Changed => subscriber.activity.has_changed(name),
            }
        }
    }

    fn tell_all(&self) {
        for subscriber in &self.subscribers {
            subscriber.activity.anything_changed();
        }
    }
}
