//! Events of directories, from the process' one inotify instance.
//!
//! The only file that knows notify. One thread owns the watcher and takes
//! orders; notify's own thread calls back, and the callback may only filter and
//! wake: it must not panic (that would end notify's thread without a word) and
//! must not order (that would wait for itself). Who is woken looks for itself,
//! so a wake-up carries nothing and any number of them are one.
//!
//! Events are a hint, never the truth: overlay file systems, unmounts and dead
//! mounts report nothing. Whoever watches also has a timer.

use super::activity::Activity;
use super::expand::Patterns;
use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;
use tokio::sync::oneshot;

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
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Interest {
    /// One name.
    Name(OsString),
    /// Names that match one of these.
    Patterns(Patterns),
}

impl Interest {
    fn covers(&self, name: &OsStr) -> bool {
        let named = match self {
            Self::Name(wanted) => name == wanted,
            Self::Patterns(patterns) => patterns.cover(name),
        };
        named || name == CONFIG_MAP_LINK
    }
}

/// A directory to watch.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Target {
    pub(super) directory: PathBuf,
    pub(super) identity: Identity,
    pub(super) interest: Interest,
}

/// The way to the watcher; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Watches {
    orders: mpsc::Sender<Order>,
    numbers: Arc<std::sync::atomic::AtomicU64>,
}

#[derive(Debug)]
enum Order {
    Watch {
        target: Target,
        subscriber: Subscriber,
        reply: oneshot::Sender<Result<Arc<AtomicBool>, notify::Error>>,
    },
    Forget {
        number: u64,
    },
}

#[derive(Debug)]
struct Subscriber {
    number: u64,
    interest: Interest,
    activity: Arc<Activity>,
}

/// Why a directory is not watched.
#[derive(Debug)]
pub(super) enum Unwatched {
    /// It went away since it was looked at.
    Gone,
    /// There are no events to be had, and why.
    NoEvents(String),
}

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
    pub(crate) fn start() -> std::io::Result<Self> {
        let (orders, inbox) = mpsc::channel();
        let thread = std::thread::Builder::new().name("file-watches".into());
        thread.spawn(move || Keeper::default().run(&inbox))?;
        Ok(Self {
            orders,
            numbers: Arc::default(),
        })
    }

    /// Watches a directory: `activity` is told whenever something that matters happens in it.
    ///
    /// # Errors
    /// Whether to look again at once, or to go without events.
    pub(super) async fn subscribe(
        &self,
        target: &Target,
        activity: &Arc<Activity>,
    ) -> Result<Subscription, Unwatched> {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let (reply, replied) = oneshot::channel();
        let order = Order::Watch {
            target: target.clone(),
            subscriber: Subscriber {
                number,
                interest: target.interest.clone(),
                activity: Arc::clone(activity),
            },
            reply,
        };
        let ended = || Unwatched::NoEvents("the thread that watches files has ended".into());
        self.orders.send(order).map_err(|_| ended())?;
        let live = match tokio::time::timeout(ORDER_DEADLINE, replied).await {
            Ok(Ok(live)) => live?,
            Ok(Err(_)) => return Err(ended()),
            Err(_) => {
                let late = "inotify did not answer in time";
                return Err(Unwatched::NoEvents(late.into()));
            }
        };
        Ok(Subscription {
            target: target.clone(),
            number,
            live,
            orders: self.orders.clone(),
        })
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

fn lock(table: &Table) -> MutexGuard<'_, HashMap<PathBuf, Watched>> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The owner of the watcher.
#[derive(Default)]
struct Keeper {
    watcher: Option<RecommendedWatcher>,
    table: Table,
}

impl Keeper {
    fn run(mut self, inbox: &mpsc::Receiver<Order>) {
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
            }
        }
    }

    fn watch(
        &mut self,
        target: &Target,
        subscriber: Subscriber,
    ) -> Result<Arc<AtomicBool>, notify::Error> {
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
                let table = Arc::clone(&self.table);
                let watcher = notify::recommended_watcher(move |event| dispatch(&table, &event))?;
                self.watcher.insert(watcher)
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
fn dispatch(table: &Table, event: &notify::Result<Event>) {
    let table = lock(table);
    let event = match event {
        Ok(event) if !event.need_rescan() => event,
        // Events were lost: everybody looks.
        _ => return table.values().for_each(Watched::tell_all),
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
    /// There is something else to be read under its name, or nothing.
    Changed,
}

impl News {
    /// Reading is what the exporter itself does: reacting to it would never end.
    fn of(kind: EventKind) -> Option<Self> {
        match kind {
            EventKind::Access(AccessKind::Close(AccessMode::Write)) => Some(Self::Changed),
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

/// The identity of a directory, following links.
pub(super) fn identity(path: &Path) -> std::io::Result<Identity> {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::metadata(path)?;
    Ok(Identity {
        device: metadata.dev(),
        inode: metadata.ino(),
    })
}
