#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use super::*;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

fn pool() -> BlockingPool {
    BlockingPool::start().unwrap()
}

/// The text of a file; counts how often it is loaded.
fn text(file: &Path, loads: &Arc<AtomicUsize>) -> FileBacked<String> {
    let (file, loads) = (file.to_owned(), Arc::clone(loads));
    FileBacked::new(Arc::default(), &pool(), move |_: &Arc<String>| {
        loads.fetch_add(1, Ordering::Relaxed);
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        Loaded {
            value: Arc::new(text),
            files: vec![file.clone()],
            state: LoadedState::Valid,
        }
    })
}

#[tokio::test]
async fn the_next_call_sees_a_change() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("f");
    std::fs::write(&file, "0").unwrap();
    let value = text(&file, &Arc::default());
    for n in 1..100 {
        // Often within one tick of the clock, with the same inode and size.
        std::fs::write(&file, (n % 10).to_string()).unwrap();
        assert_eq!(*value.get().await, (n % 10).to_string());
    }
    std::fs::remove_file(&file).unwrap();
    assert_eq!(*value.get().await, "");
}

#[tokio::test]
async fn an_unchanged_file_is_not_loaded_again() {
    let loads = Arc::default();
    // The stamp of a missing file is settled.
    let value = text(Path::new("/nowhere/at/all"), &loads);
    for _ in 0..10 {
        value.get().await;
    }
    // The first load, and a second one because its files had no stamps yet.
    assert_eq!(loads.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn callers_during_a_check_that_hangs_get_the_last_value() {
    let (release, hangs) = std::sync::mpsc::channel::<()>();
    let hangs = std::sync::Mutex::new(hangs);
    let loads = AtomicUsize::new(0);
    let file = tempfile::NamedTempFile::new().unwrap();
    let files = vec![file.path().to_owned()];
    let value = Arc::new(FileBacked::new(
        Arc::new(0),
        &pool(),
        move |_: &Arc<usize>| {
            let load = loads.fetch_add(1, Ordering::Relaxed);
            if load == 1 {
                // Blocks until the test drops the sender.
                let _ = hangs.lock().unwrap().recv();
            }
            Loaded {
                value: Arc::new(load + 1),
                files: files.clone(),
                state: LoadedState::Valid,
            }
        },
    ));
    assert_eq!(*value.get().await, 1);
    // A cancelled call and ten concurrent ones share the check that hangs.
    let cancelled = timeout(Duration::from_millis(10), value.get()).await;
    assert!(cancelled.is_err());
    let calls = (0..10).map(|_| value.get());
    let values = futures_util::future::join_all(calls).await;
    assert!(values.iter().all(|value| **value == 1), "{values:?}");
    drop(release);
    let end = Instant::now() + Duration::from_secs(30);
    while *value.get().await < 2 {
        assert!(Instant::now() < end, "the check never ends");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_invalid_value_is_loaded_again_without_a_change_of_a_file() {
    let invalid = Arc::new(AtomicBool::new(true));
    let is_invalid = Arc::clone(&invalid);
    let value = FileBacked::new(Arc::new(false), &pool(), move |_: &Arc<bool>| {
        let invalid = is_invalid.load(Ordering::Relaxed);
        Loaded {
            value: Arc::new(!invalid),
            files: vec!["/nowhere/at/all".into()],
            state: match invalid {
                true => LoadedState::Invalid,
                false => LoadedState::Valid,
            },
        }
    });
    assert!(!*value.get().await && !*value.get().await);
    invalid.store(false, Ordering::Relaxed);
    let end = Instant::now() + Duration::from_secs(30);
    while !*value.get().await {
        assert!(Instant::now() < end, "it stays invalid");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
