//! A value loaded from files, which are checked for changes at each use.
//!
//! A caller gets the value as of a check that began after its call. A check compares the
//! stat(2) data of each file and loads the value again only if they changed. Checks run on
//! the blocking pool, one at a time, and all callers that waited when a check began share it.
//! If a check takes longer than a second because a file system hangs, callers get the last
//! value until the check ends.

mod stamp;

use local_exporter_actors::log_limit::{LogLimit, LogLine};
use local_exporter_actors::{BlockingPool, BlockingTask, TaskError};
use stamp::Stamp;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use tokio::time::timeout;

/// Time for which an invalid value is kept if no file changes.
const RETRY_INVALID_AFTER: Duration = Duration::from_secs(1);

/// Time limit of callers for a check. A scrape has only a few seconds.
const CHECK_TIMEOUT: Duration = Duration::from_secs(1);

/// A loaded value, and the files it was loaded from, which the next check compares.
#[derive(Debug)]
pub(crate) struct Loaded<T> {
    /// The value.
    pub(crate) value: Arc<T>,
    /// The files.
    pub(crate) files: Vec<PathBuf>,
    /// Whether the files were valid.
    pub(crate) state: LoadedState,
}

/// Whether a value was loaded from valid files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoadedState {
    /// The value stays until a file changes.
    Valid,
    /// Loading failed. The cause may disappear without a change of a file, for example a lack
    /// of descriptors, so the value is loaded again after a while.
    Invalid,
}

impl<T> Clone for Loaded<T> {
    fn clone(&self) -> Self {
        Self {
            value: Arc::clone(&self.value),
            files: self.files.clone(),
            state: self.state,
        }
    }
}

/// Loads a value; receives the previous one. Blocks. Must not fail: an error is a value too.
type Loader<T> = Arc<dyn Fn(&Arc<T>) -> Loaded<T> + Send + Sync>;

/// A value kept up to date with its files.
pub(crate) struct FileBacked<T> {
    loader: Loader<T>,
    blocking: BlockingPool,
    failures: LogLimit,
    state: Mutex<FileBackedState<T>>,
}

struct FileBackedState<T> {
    loaded: Loaded<T>,
    /// When it was loaded; `None` before the first load.
    loaded_at: Option<Instant>,
    stamps: Vec<Stamp>,
    /// When the last completed check began.
    checked: Option<Instant>,
    /// The running check.
    running: Option<FileCheck<T>>,
}

/// The result of a check: the new value, if it was loaded, and the stamps of its files from
/// before that.
type CheckResult<T> = Option<(Loaded<T>, Vec<Stamp>)>;

/// A check on the blocking pool.
struct FileCheck<T> {
    began: Instant,
    pace: Pace,
    task: BlockingTask<CheckResult<T>>,
}

/// Whether a check has exceeded [`CHECK_TIMEOUT`].
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    InTime,
    Late,
}

impl<T> fmt::Debug for FileBacked<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("FileBacked").finish_non_exhaustive()
    }
}

impl<T: Send + Sync + 'static> FileBacked<T> {
    /// A value that is loaded on the first call of [`Self::get`]. Only the loader sees
    /// `initial`.
    pub(crate) fn new(
        initial: Arc<T>,
        blocking: &BlockingPool,
        loader: impl Fn(&Arc<T>) -> Loaded<T> + Send + Sync + 'static,
    ) -> Self {
        let state = FileBackedState {
            loaded: Loaded {
                value: initial,
                files: Vec::new(),
                state: LoadedState::Valid,
            },
            loaded_at: None,
            stamps: Vec::new(),
            checked: None,
            running: None,
        };
        Self {
            loader: Arc::new(loader),
            blocking: blocking.clone(),
            failures: LogLimit::default(),
            state: Mutex::new(state),
        }
    }

    /// Returns the current value, or the last one while a file system hangs.
    pub(crate) async fn get(&self) -> Arc<T> {
        let called = Instant::now();
        let state = &mut *self.state.lock().await;
        while state.checked.is_none_or(|checked| checked < called) {
            if state.running.is_none() {
                state.running = Some(self.begin(state));
            }
            // The check stays in `state` while it is awaited: this call may be cancelled,
            // and the next one must not begin another check.
            let Some(check) = &mut state.running else {
                break;
            };
            let Some(result) = check.result(&self.failures).await else {
                break;
            };
            state.checked = Some(check.began);
            state.running = None;
            // The last value stays after a panic in the loader, and if no thread can run the check.
            match result {
                Ok(Some((loaded, stamps))) => {
                    (state.loaded, state.stamps, state.loaded_at) = (loaded, stamps, state.checked);
                }
                Ok(None) | Err(TaskError::Panicked) => {}
                Err(TaskError::NoThread(error)) => {
                    if let Some(suppressed) = self.failures.event().map(LogLine::suppressed) {
                        tracing::warn!(
                            error,
                            suppressed,
                            "cannot read access files; using their last contents"
                        );
                    }
                }
            }
        }
        Arc::clone(&state.loaded.value)
    }

    fn begin(&self, state: &FileBackedState<T>) -> FileCheck<T> {
        let (loader, loaded) = (Arc::clone(&self.loader), state.loaded.clone());
        let stamps = state.stamps.clone();
        let is_due = match (state.loaded.state, state.loaded_at) {
            (_, None) => true,
            (LoadedState::Valid, Some(_)) => false,
            (LoadedState::Invalid, Some(at)) => at.elapsed() >= RETRY_INVALID_AFTER,
        };
        FileCheck {
            began: Instant::now(),
            pace: Pace::InTime,
            task: self
                .blocking
                .spawn(move || check(&loader, &loaded, &stamps, is_due)),
        }
    }
}

impl<T> FileCheck<T> {
    /// Waits for the result within [`CHECK_TIMEOUT`]; once the check is late, not at all.
    async fn result(&mut self, failures: &LogLimit) -> Option<Result<CheckResult<T>, TaskError>> {
        let left = match self.pace {
            Pace::InTime => CHECK_TIMEOUT.saturating_sub(self.began.elapsed()),
            Pace::Late => Duration::ZERO,
        };
        let result = timeout(left, &mut self.task).await.ok();
        if result.is_none() && self.pace == Pace::InTime {
            self.pace = Pace::Late;
            if let Some(suppressed) = failures.event().map(LogLine::suppressed) {
                tracing::warn!(
                    suppressed,
                    "access files are slow to read; using their last known contents"
                );
            }
        }
        result
    }
}

/// Loads the value again if a file changed or `is_due` is set. Blocks.
fn check<T>(
    loader: &Loader<T>,
    loaded: &Loaded<T>,
    stamps: &[Stamp],
    is_due: bool,
) -> CheckResult<T> {
    let now = stamps_of(&loaded.files);
    if !is_due && now == stamps && now.iter().all(Stamp::is_settled) {
        return None;
    }
    let reloaded = loader(&loaded.value);
    // These stamps are from before the load, so the next check notices changes during it.
    // Files that were not known before have no such stamp: the next check loads again.
    let stamps = if reloaded.files == loaded.files {
        now
    } else {
        Vec::new()
    };
    Some((reloaded, stamps))
}

fn stamps_of(files: &[PathBuf]) -> Vec<Stamp> {
    files.iter().map(|file| Stamp::of(file)).collect()
}

#[cfg(test)]
mod tests;
