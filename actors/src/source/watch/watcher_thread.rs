//! The thread that owns the watcher, and the callback of notify.
//!
//! The only module that knows notify. The thread executes commands. The
//! callback runs on notify's own thread and may only notify subscribers: it must
//! not panic, which would end that thread silently, and must not send commands,
//! which would deadlock.

use super::command::{Command, Subscriber, Unwatched};
use super::subscribers::{FileChange, Subscribers};
use super::target::{Identity, Target, identity};
use crate::blocking::check_threads;
use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind, RenameMode};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use prometheus::IntCounter;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, mpsc};

/// The owner of the watcher.
pub(super) struct WatcherThread {
    /// Never dropped during a panic: notify panics when it is dropped after its own thread has
    /// ended, and two panics at once would abort the process.
    watcher: Option<ManuallyDrop<RecommendedWatcher>>,
    subscribers: Subscribers,
}

impl WatcherThread {
    /// Watches nothing yet; `lost` counts how often events were lost.
    pub(super) fn new(lost: IntCounter) -> Self {
        Self {
            watcher: None,
            subscribers: Subscribers::new(lost),
        }
    }

    /// Executes commands until all senders are dropped.
    pub(super) fn run(mut self, inbox: &mpsc::Receiver<Command>) {
        while let Ok(command) = inbox.recv() {
            match command {
                Command::Watch {
                    target,
                    subscriber,
                    reply,
                } => {
                    let number = subscriber.number;
                    let live = self.watch(&target, subscriber);
                    // The receiver is dropped if the subscriber has stopped waiting.
                    if reply.send(live).is_err() {
                        self.forget(number);
                    }
                }
                Command::Forget { number } => self.forget(number),
                #[cfg(test)]
                Command::Panic => panic!("on command"),
            }
        }
        drop(self.watcher.take().map(ManuallyDrop::into_inner));
    }

    fn watch(
        &mut self,
        target: &Target,
        subscriber: Subscriber,
    ) -> Result<Arc<AtomicBool>, Unwatched> {
        // notify identifies a watch by its path and inotify by its inode. With two paths to one
        // directory, the second would silence the first, and the end of either would end both. So
        // each directory has one entry, which all its subscribers share.
        let subscriber = match self.subscribers.join(target.identity, subscriber) {
            Ok(live) => return Ok(live),
            Err(subscriber) => subscriber,
        };
        // Another directory may have been watched under this path before, or this one under
        // another path. Without unwatching, notify would go on reporting the old one.
        let path = &target.directory;
        self.end(path, Some(target.identity));
        let watcher = match &mut self.watcher {
            Some(watcher) => watcher,
            None => {
                let subscribers = self.subscribers.share();
                let callback = move |event| dispatch(&subscribers, &event);
                // Without its thread, notify would panic at the first watch.
                let started = check_threads(1);
                started.map_err(|error| Unwatched::NoEvents(error.to_string()))?;
                let watcher = notify::recommended_watcher(callback)?;
                self.watcher.insert(ManuallyDrop::new(watcher))
            }
        };
        watcher.watch(path, RecursiveMode::NonRecursive)?;
        if identity(path).ok() != Some(target.identity) {
            // The path leads to another directory than when it was looked up. If that one was
            // watched under another path, it has lost its watch to this one.
            let _ = watcher.unwatch(path);
            self.end(path, identity(path).ok());
            return Err(Unwatched::Gone);
        }
        Ok(self.subscribers.insert(path, target.identity, subscriber))
    }

    /// Ends watches and notifies their subscribers.
    fn end(&mut self, path: &Path, identity: Option<Identity>) {
        let ended = self.subscribers.end(path, identity);
        self.unwatch(ended);
    }

    fn forget(&mut self, number: u64) {
        let unused = self.subscribers.forget(number);
        self.unwatch(unused);
    }

    fn unwatch(&mut self, paths: impl IntoIterator<Item = PathBuf>) {
        for path in paths {
            if let Some(watcher) = &mut self.watcher {
                // An error means that the kernel has removed the watch with its directory.
                let _ = watcher.unwatch(&path);
            }
        }
    }
}

/// Called on notify's thread for each event.
fn dispatch(subscribers: &Subscribers, event: &notify::Result<Event>) {
    let event = match event {
        Ok(event) if !event.need_rescan() => event,
        _ => return subscribers.events_lost(),
    };
    let removed = matches!(
        event.kind,
        EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))
    );
    for (index, path) in event.paths.iter().enumerate() {
        match change(event.kind, index) {
            Some(change) if removed => subscribers.removed(path, change),
            Some(change) => subscribers.changed(path, change),
            None => {}
        }
    }
}

/// The change of the file at the path with this index that an event reports; `None` for reads,
/// which the exporter causes itself: a reaction to them would never end.
fn change(kind: EventKind, index: usize) -> Option<FileChange> {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => Some(FileChange::Closed),
        EventKind::Access(_) => None,
        EventKind::Create(_) => Some(FileChange::Created),
        EventKind::Modify(ModifyKind::Data(_)) => Some(FileChange::BeingWritten),
        EventKind::Modify(ModifyKind::Metadata(_)) => Some(FileChange::Touched),
        EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(RenameMode::From)) => {
            Some(FileChange::Removed)
        }
        // The old name and the new one.
        EventKind::Modify(ModifyKind::Name(RenameMode::Both)) if index == 0 => {
            Some(FileChange::Removed)
        }
        EventKind::Any | EventKind::Modify(_) | EventKind::Other => Some(FileChange::Replaced),
    }
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
