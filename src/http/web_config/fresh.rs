//! A value made of files, never older than the files.
//!
//! Whoever asks gets the value as of a look that began after they asked. A look
//! compares what stat(2) tells of each file; only where that has changed is the
//! value made anew. Looks happen on the blocking pool, one at a time, and all
//! who came before one began share it: however many ask, one thread looks. Only
//! where a look takes longer than a second, since a file system hangs,
//! everybody gets the last value until it ends.

use std::fmt;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::Mutex;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::timeout;

/// How long ago a file must have changed for its times to tell it from a later
/// change: file systems keep them to a tick, and some to a second.
const SETTLED: Duration = Duration::from_secs(2);

/// How long a value stays that is not a good one, if no file changes.
const WRONG_FOR: Duration = Duration::from_secs(1);

/// How long a look may take. Clients wait for it, and their time is short.
const LONGEST_LOOK: Duration = Duration::from_secs(1);

/// A value, and the files it was made of, which are those to look at.
#[derive(Debug)]
pub(crate) struct Made<T> {
    /// The value.
    pub value: Arc<T>,
    /// The files.
    pub files: Vec<PathBuf>,
    /// Whether it is what they ought to make.
    pub state: MadeState,
}

/// Whether a value is a good one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MadeState {
    /// It stays until a file changes.
    Good,
    /// Something was wrong. What that was may pass without a change of a file, such as a lack of
    /// descriptors, so it is made again after a while.
    Wrong,
}

impl<T> Clone for Made<T> {
    fn clone(&self) -> Self {
        Self {
            value: Arc::clone(&self.value),
            files: self.files.clone(),
            state: self.state,
        }
    }
}

/// Makes a value, knowing the one before. Blocks, and must not fail: an error is a value too.
type Maker<T> = Arc<dyn Fn(&Arc<T>) -> Made<T> + Send + Sync>;

/// A value as new as its files.
pub(crate) struct Fresh<T> {
    maker: Maker<T>,
    held: Mutex<Held<T>>,
}

struct Held<T> {
    made: Made<T>,
    /// When it was made, if it ever was.
    made_at: Option<Instant>,
    stamps: Vec<Stamp>,
    /// When the last look began that has ended, if there was one.
    looked: Option<Instant>,
    /// The look that has begun and not ended.
    under_way: Option<Look<T>>,
}

/// What a look came to: something new, if anything, and what the files looked like before it.
type Looked<T> = Option<(Made<T>, Vec<Stamp>)>;

/// A look on the blocking pool.
struct Look<T> {
    began: Instant,
    pace: Pace,
    task: JoinHandle<Looked<T>>,
}

/// Whether a look keeps within its time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    InTime,
    Late,
}

impl<T> fmt::Debug for Fresh<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Fresh").finish_non_exhaustive()
    }
}

impl<T: Send + Sync + 'static> Fresh<T> {
    /// A value that is made when somebody asks. The one before the first is
    /// given, and only ever seen by the maker.
    pub(crate) fn new(
        before: Arc<T>,
        maker: impl Fn(&Arc<T>) -> Made<T> + Send + Sync + 'static,
    ) -> Self {
        let held = Held {
            made: Made {
                value: before,
                files: Vec::new(),
                state: MadeState::Good,
            },
            made_at: None,
            stamps: Vec::new(),
            looked: None,
            under_way: None,
        };
        Self {
            maker: Arc::new(maker),
            held: Mutex::new(held),
        }
    }

    /// The value of now, or the last one where a file system hangs.
    pub(crate) async fn get(&self) -> Arc<T> {
        let asked = Instant::now();
        let held = &mut *self.held.lock().await;
        while held.looked.is_none_or(|looked| looked < asked) {
            if held.under_way.is_none() {
                held.under_way = Some(self.begin(held));
            }
            // It stays there while it is waited for: who asks may give up, and the next one
            // is not to begin another.
            let Some(look) = &mut held.under_way else {
                break;
            };
            let Some(outcome) = look.outcome().await else {
                break;
            };
            held.looked = Some(look.began);
            held.under_way = None;
            // A look that panicked, which none is known to do, leaves what was.
            if let Ok(Some((made, stamps))) = outcome {
                (held.made, held.stamps, held.made_at) = (made, stamps, held.looked);
            }
        }
        Arc::clone(&held.made.value)
    }

    fn begin(&self, held: &Held<T>) -> Look<T> {
        let (maker, made) = (Arc::clone(&self.maker), held.made.clone());
        let stamps = held.stamps.clone();
        let is_due = match (held.made.state, held.made_at) {
            (_, None) => true,
            (MadeState::Good, Some(_)) => false,
            (MadeState::Wrong, Some(made_at)) => made_at.elapsed() >= WRONG_FOR,
        };
        Look {
            began: Instant::now(),
            pace: Pace::InTime,
            task: tokio::task::spawn_blocking(move || look(&maker, &made, &stamps, is_due)),
        }
    }
}

impl<T> Look<T> {
    /// What it came to, if it has ended; of one that is late nobody waits for the end.
    async fn outcome(&mut self) -> Option<Result<Looked<T>, JoinError>> {
        let left = match self.pace {
            Pace::InTime => LONGEST_LOOK.saturating_sub(self.began.elapsed()),
            Pace::Late => Duration::ZERO,
        };
        let outcome = timeout(left, &mut self.task).await.ok();
        if outcome.is_none() && self.pace == Pace::InTime {
            self.pace = Pace::Late;
            tracing::warn!(
                "files of access are on a file system that hangs, or is slow: \
                 what they said last goes on to count"
            );
        }
        outcome
    }
}

/// What is made anew because a file has changed since, or because it is due.
fn look<T>(maker: &Maker<T>, made: &Made<T>, stamps: &[Stamp], is_due: bool) -> Looked<T> {
    let now = stamps_of(&made.files);
    if !is_due && now == stamps && now.iter().all(Stamp::is_settled) {
        return None;
    }
    let remade = maker(&made.value);
    // What changes while it is read is seen at the next look: the stamps are
    // from before. Those of files not known before would be from after.
    let stamps = if remade.files == made.files {
        now
    } else {
        Vec::new()
    };
    Some((remade, stamps))
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
                state: MadeState::Good,
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

    #[tokio::test]
    async fn who_comes_while_a_look_hangs_gets_what_was_before() {
        let (hang, hangs) = std::sync::mpsc::channel::<()>();
        let hangs = std::sync::Mutex::new(hangs);
        let looks = AtomicUsize::new(0);
        let file = tempfile::NamedTempFile::new().unwrap();
        let files = vec![file.path().to_owned()];
        let fresh = Arc::new(Fresh::new(Arc::new(0), move |_: &Arc<usize>| {
            let look = looks.fetch_add(1, Ordering::Relaxed);
            if look == 1 {
                // Until the test drops its end.
                let _ = hangs.lock().unwrap().recv();
            }
            Made {
                value: Arc::new(look + 1),
                files: files.clone(),
                state: MadeState::Good,
            }
        }));
        assert_eq!(*fresh.get().await, 1);
        // All of them at once, and one that gives up: they share the one that hangs.
        let impatient = timeout(Duration::from_millis(10), fresh.get()).await;
        assert!(impatient.is_err());
        let asking = (0..10).map(|_| fresh.get());
        let answers = futures_util::future::join_all(asking).await;
        assert!(answers.iter().all(|answer| **answer == 1), "{answers:?}");
        drop(hang);
        let end = Instant::now() + Duration::from_secs(30);
        while *fresh.get().await < 2 {
            assert!(Instant::now() < end, "it never ends");
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn what_was_wrong_is_made_again_though_no_file_changes() {
        let wrong = Arc::new(std::sync::atomic::AtomicBool::new(true));
        let is_wrong = Arc::clone(&wrong);
        let fresh = Fresh::new(Arc::new(false), move |_: &Arc<bool>| {
            let wrong = is_wrong.load(Ordering::Relaxed);
            Made {
                value: Arc::new(!wrong),
                files: vec!["/nowhere/at/all".into()],
                state: match wrong {
                    true => MadeState::Wrong,
                    false => MadeState::Good,
                },
            }
        });
        assert!(!*fresh.get().await && !*fresh.get().await);
        wrong.store(false, Ordering::Relaxed);
        let end = Instant::now() + Duration::from_secs(30);
        while !*fresh.get().await {
            assert!(Instant::now() < end, "it stays wrong for ever");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
