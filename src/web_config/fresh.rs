//! A value made of files, never older than the files.
//!
//! Whoever asks gets the value as of a look that began after they asked. A look
//! compares what stat(2) tells of each file; only where that has changed is the
//! value made anew. Looks happen on the blocking pool, one at a time, and all
//! who came before one began share it: however many ask, one thread looks.

use std::fmt;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::Mutex;

/// How long ago a file must have changed for its times to tell it from a later
/// change: file systems keep them to a tick, and some to a second.
const SETTLED: Duration = Duration::from_secs(2);

/// A value, and the files it was made of, which are those to look at.
#[derive(Debug)]
pub struct Made<T> {
    /// The value.
    pub value: Arc<T>,
    /// The files.
    pub files: Vec<PathBuf>,
}

impl<T> Clone for Made<T> {
    fn clone(&self) -> Self {
        Self {
            value: Arc::clone(&self.value),
            files: self.files.clone(),
        }
    }
}

/// Makes a value, knowing the one before. Blocks, and must not fail: an error is a value too.
type Maker<T> = Arc<dyn Fn(&Arc<T>) -> Made<T> + Send + Sync>;

/// A value as new as its files.
pub struct Fresh<T> {
    maker: Maker<T>,
    held: Mutex<Held<T>>,
}

struct Held<T> {
    made: Made<T>,
    stamps: Vec<Stamp>,
    /// When the last look began, if there was one.
    looked: Option<Instant>,
}

impl<T> fmt::Debug for Fresh<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Fresh").finish_non_exhaustive()
    }
}

impl<T: Send + Sync + 'static> Fresh<T> {
    /// A value that is made when somebody asks. The one before the first is
    /// given, and only ever seen by the maker.
    pub fn new(before: Arc<T>, maker: impl Fn(&Arc<T>) -> Made<T> + Send + Sync + 'static) -> Self {
        let held = Held {
            made: Made {
                value: before,
                files: Vec::new(),
            },
            stamps: Vec::new(),
            looked: None,
        };
        Self {
            maker: Arc::new(maker),
            held: Mutex::new(held),
        }
    }

    /// The value of now.
    pub async fn get(&self) -> Arc<T> {
        let asked = Instant::now();
        let mut held = self.held.lock().await;
        if held.looked.is_none_or(|looked| looked < asked) {
            let (maker, made) = (Arc::clone(&self.maker), held.made.clone());
            let stamps = held.stamps.clone();
            let first = held.looked.is_none();
            let began = Instant::now();
            let look = move || look(&maker, made, stamps, first);
            // A look that panicked, which none is known to do, leaves what was.
            if let Ok((made, stamps)) = tokio::task::spawn_blocking(look).await {
                (held.made, held.stamps, held.looked) = (made, stamps, Some(began));
            }
        }
        Arc::clone(&held.made.value)
    }
}

/// What was made, made anew if a file has changed since.
fn look<T>(
    maker: &Maker<T>,
    made: Made<T>,
    stamps: Vec<Stamp>,
    first: bool,
) -> (Made<T>, Vec<Stamp>) {
    let now = stamps_of(&made.files);
    if !first && now == stamps && now.iter().all(Stamp::is_settled) {
        return (made, stamps);
    }
    let remade = maker(&made.value);
    // What changes while it is read is seen at the next look: the stamps are
    // from before. Those of files not known before would be from after.
    let stamps = if remade.files == made.files {
        now
    } else {
        Vec::new()
    };
    (remade, stamps)
}

fn stamps_of(files: &[PathBuf]) -> Vec<Stamp> {
    files.iter().map(|file| Stamp::of(file)).collect()
}

/// What tells one content of a file from another without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stamp {
    /// It cannot be looked at.
    Unseen(std::io::ErrorKind),
    Seen {
        device: u64,
        inode: u64,
        size: u64,
        modified: (i64, i64),
        changed: (i64, i64),
        settled: bool,
    },
}

impl Stamp {
    fn of(file: &Path) -> Self {
        match std::fs::metadata(file) {
            Ok(metadata) => Self::Seen {
                device: metadata.dev(),
                inode: metadata.ino(),
                size: metadata.size(),
                modified: (metadata.mtime(), metadata.mtime_nsec()),
                changed: (metadata.ctime(), metadata.ctime_nsec()),
                settled: is_settled(&metadata, SystemTime::now()),
            },
            Err(error) => Self::Unseen(error.kind()),
        }
    }

    fn is_settled(&self) -> bool {
        matches!(self, Self::Unseen(_) | Self::Seen { settled: true, .. })
    }
}

/// A time in the future is that of a clock that was set back, and tells nothing.
fn is_settled(metadata: &Metadata, now: SystemTime) -> bool {
    let Ok(changed) = u64::try_from(metadata.ctime()) else {
        return true;
    };
    let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(changed);
    now.duration_since(changed).is_ok_and(|age| age > SETTLED)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn of(file: &Path, made: &Arc<AtomicUsize>) -> Fresh<String> {
        let (file, made) = (file.to_owned(), Arc::clone(made));
        Fresh::new(Arc::default(), move |_: &Arc<String>| {
            made.fetch_add(1, Ordering::Relaxed);
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            Made {
                value: Arc::new(text),
                files: vec![file.clone()],
            }
        })
    }

    #[tokio::test]
    async fn a_change_is_seen_by_whoever_asks_next() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("f");
        std::fs::write(&file, "0").unwrap();
        let fresh = of(&file, &Arc::default());
        for n in 1..100 {
            // Often within one tick of the clock, in the same inode, of the same size.
            std::fs::write(&file, (n % 10).to_string()).unwrap();
            assert_eq!(*fresh.get().await, (n % 10).to_string());
        }
        std::fs::remove_file(&file).unwrap();
        assert_eq!(*fresh.get().await, "");
    }

    #[test]
    fn what_has_just_changed_may_change_again_unseen() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("f");
        std::fs::write(&file, "0").unwrap();
        let metadata = std::fs::metadata(&file).unwrap();
        let now = SystemTime::now();
        assert!(!is_settled(&metadata, now));
        assert!(!is_settled(&metadata, now - 100 * SETTLED));
        assert!(is_settled(&metadata, now + 3 * SETTLED));
    }

    #[tokio::test]
    async fn what_does_not_change_is_not_made_again() {
        let made = Arc::default();
        // A file that is not there has no times to be young.
        let fresh = of(Path::new("/nowhere/at/all"), &made);
        for _ in 0..10 {
            fresh.get().await;
        }
        // Once at first, and once to learn what its files looked like.
        assert_eq!(made.load(Ordering::Relaxed), 2);
    }
}
