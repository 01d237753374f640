//! The files with secrets of the exporter itself, which no source serves.
//!
//! A file is recognised by device and inode, since a hard link gives it another name. The files are
//! looked up before and after each scan, one look at a time, which all callers that waited for it share.
//! If a look takes longer because a file system hangs, callers get the result of the last one,
//! marked as late, and a file on that file system counts as unknown in the next look: a token there does not
//! delay the files of others, and cannot be read as one either. Reads metadata only, except that the
//! list of files may have to be read again.

use crate::blocking::{BlockingPool, BlockingTask};
use crate::lock::lock;
use local_exporter_config::PathAccess;
use std::collections::HashSet;
use std::fmt;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex as StdMutex};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// The longest time that callers wait for a look. It is part of the timeout of a selector, which is rarely less
/// than a second.
const TIMEOUT: Duration = Duration::from_millis(250);

/// Lists the files; called on the blocking pool.
pub type ListFiles = Arc<dyn Fn(&PathAccess) -> Vec<PathBuf> + Send + Sync>;

/// The files with secrets. Clones share them.
#[derive(Clone)]
pub struct SecretFiles(Arc<Shared>);

struct Shared {
    blocking: BlockingPool,
    /// Records which file systems hang.
    access: PathAccess,
    list: StdMutex<Option<ListFiles>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    look: Look,
    /// When the last completed look began.
    looked_at: Option<Instant>,
    running: Option<Running>,
}

/// A look on the blocking pool.
struct Running {
    began: Instant,
    task: BlockingTask<Look>,
}

/// The result of looking up all files.
#[derive(Clone, Default)]
struct Look {
    /// The list from which the files are.
    list: Option<ListFiles>,
    files: Vec<(PathBuf, Option<Mark>)>,
}

/// Distinguishes the versions of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Mark {
    identity: (u64, u64),
    changed: (i64, i64),
}

/// The identities of the files with secrets at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct SecretIdentities {
    known: Arc<HashSet<(u64, u64)>>,
    /// Whether the look took too long, so that these are those of an earlier one.
    pub(crate) outdated: bool,
}

impl SecretIdentities {
    /// Whether a file is one of them.
    pub(crate) fn contain(&self, device: u64, inode: u64) -> bool {
        self.known.contains(&(device, inode))
    }

    /// Whether others are the same.
    pub(crate) fn are(&self, others: &Self) -> bool {
        self.known == others.known
    }
}

impl fmt::Debug for SecretFiles {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SecretFiles")
            .finish_non_exhaustive()
    }
}

impl SecretFiles {
    /// No files yet. They are looked up on the pool.
    pub(crate) fn new(blocking: BlockingPool) -> Self {
        Self(Arc::new(Shared {
            blocking,
            access: PathAccess::default(),
            list: StdMutex::default(),
            state: Mutex::default(),
        }))
    }

    /// Replaces the list of files. It is called again whenever one of them changes, since the web
    /// configuration names others.
    pub fn set(&self, list: ListFiles) {
        *lock(&self.0.list) = Some(list);
    }

    /// The files as they are now, or as they were last if looking takes longer than `within`.
    pub(crate) async fn identify(&self, within: Duration) -> SecretIdentities {
        let Some(list) = lock(&self.0.list).clone() else {
            return SecretIdentities::default();
        };
        let called = Instant::now();
        let state = &mut *self.0.state.lock().await;
        if state.look.is_of(&list) && state.look.files.is_empty() {
            // Only `set` can add one.
            return SecretIdentities::default();
        }
        while state.looked_at.is_none_or(|at| at < called) {
            let (before, list) = (state.look.clone(), Arc::clone(&list));
            let access = self.0.access.clone();
            // The look stays here while it is awaited, since this call may be cancelled.
            let running = state.running.get_or_insert_with(|| Running {
                began: Instant::now(),
                task: self.0.blocking.spawn(move || before.again(&list, &access)),
            });
            // Zero once the look is late.
            let left = within.min(TIMEOUT).saturating_sub(running.began.elapsed());
            let Ok(ended) = timeout(left, &mut running.task).await else {
                return state.look.identities(true);
            };
            state.looked_at = Some(running.began);
            state.running = None;
            // Without a thread, and after a panic in the list, the last result stays.
            if let Ok(look) = ended {
                state.look = look;
            }
        }
        state.look.identities(false)
    }
}

impl Look {
    /// Looks again. Blocks.
    fn again(self, list: &ListFiles, access: &PathAccess) -> Self {
        let looked = self.looked(list, access);
        access.release();
        looked
    }

    fn looked(self, list: &ListFiles, access: &PathAccess) -> Self {
        let now = self.files.iter();
        let look = |path: &PathBuf| {
            let owned = path.clone();
            let found = access.run(path, move || mark(&owned));
            (path.clone(), found.ok().flatten())
        };
        let now = now.map(|(path, _)| look(path));
        let now: Vec<_> = now.collect();
        if self.is_of(list) && now == self.files {
            return self;
        }
        let files = list(access);
        Self {
            files: files.iter().map(look).collect(),
            list: Some(Arc::clone(list)),
        }
    }

    /// Whether the files are those of this list.
    fn is_of(&self, list: &ListFiles) -> bool {
        self.list.as_ref().is_some_and(|of| Arc::ptr_eq(of, list))
    }

    fn identities(&self, outdated: bool) -> SecretIdentities {
        let marks = self.files.iter().filter_map(|(_, mark)| *mark);
        SecretIdentities {
            known: Arc::new(marks.map(|mark| mark.identity).collect()),
            outdated,
        }
    }
}

fn mark(path: &PathBuf) -> Option<Mark> {
    let of = |metadata: Metadata| Mark {
        identity: (metadata.dev(), metadata.ino()),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
    };
    std::fs::metadata(path).ok().map(of)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    fn identity(path: &PathBuf) -> (u64, u64) {
        mark(path).unwrap().identity
    }

    #[tokio::test]
    async fn a_replaced_file_and_one_that_it_names_are_recognised_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["web", "old", "new", "key"] {
            std::fs::write(at(name), name).unwrap();
        }
        let files = SecretFiles::new(BlockingPool::start().unwrap());
        assert!(
            files
                .identify(TIMEOUT)
                .await
                .are(&SecretIdentities::default())
        );
        let (web, named) = (at("web"), at("key"));
        let list = move |_: &PathAccess| match std::fs::read_to_string(&web).unwrap().as_str() {
            "new" => vec![web.clone(), named.clone()],
            _ => vec![web.clone()],
        };
        files.set(Arc::new(list));
        let contains = |known: &SecretIdentities, path: &PathBuf| {
            let (device, inode) = identity(path);
            known.contain(device, inode)
        };
        let known = files.identify(TIMEOUT).await;
        assert!(contains(&known, &at("web")) && !contains(&known, &at("key")));
        std::fs::rename(at("new"), at("web")).unwrap();
        let known = files.identify(TIMEOUT).await;
        assert!(contains(&known, &at("web")) && contains(&known, &at("key")));
        assert!(!contains(&known, &at("old")));
    }

    #[tokio::test]
    async fn a_file_system_that_hangs_delays_one_caller_and_no_other() {
        let files = SecretFiles::new(BlockingPool::start().unwrap());
        let (release, hangs) = std::sync::mpsc::channel::<()>();
        let hangs = StdMutex::new(hangs);
        files.set(Arc::new(move |_: &PathAccess| {
            let _ = lock(&hangs).recv();
            Vec::new()
        }));
        let within = Duration::from_millis(100);
        let began = Instant::now();
        assert!(files.identify(within).await.outdated);
        assert!(began.elapsed() >= within);
        // The look is late, so that no other caller waits.
        let began = Instant::now();
        assert!(files.identify(within).await.outdated);
        assert!(began.elapsed() < within);
        drop(release);
        while files.identify(within).await.outdated {
            tokio::task::yield_now().await;
        }
    }
}
