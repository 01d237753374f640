#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use super::threads::{KEPT_THREADS, MAX_QUEUE, Spawn, Threads};
use super::{BlockingPool, TaskError};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

/// A pool for which the system refuses all threads except those that stay.
fn pool_without_more_threads() -> BlockingPool {
    let started = AtomicUsize::new(0);
    let spawn: Spawn = Box::new(move |job| {
        if started.fetch_add(1, Ordering::Relaxed) >= KEPT_THREADS {
            return Err(io::Error::from_raw_os_error(
                rustix::io::Errno::AGAIN.raw_os_error(),
            ));
        }
        std::thread::Builder::new().spawn(job).map(drop)
    });
    BlockingPool(Arc::new(Threads::start_with(spawn).unwrap()))
}

/// Occupies the threads that stay until the sender is dropped.
fn occupy(pool: &BlockingPool) -> mpsc::Sender<()> {
    let (release, held) = mpsc::channel::<()>();
    let held = Arc::new(std::sync::Mutex::new(held));
    for _ in 0..KEPT_THREADS {
        let held = Arc::clone(&held);
        let (begin, begun) = mpsc::channel();
        drop(pool.spawn(move || {
            begin.send(()).unwrap();
            let _ = held.lock().unwrap().recv();
        }));
        begun.recv().unwrap();
    }
    release
}

#[tokio::test]
async fn without_more_threads_tasks_run_one_after_the_other() {
    let pool = pool_without_more_threads();
    let tasks: Vec<_> = (0..100).map(|number| pool.spawn(move || number)).collect();
    for (number, task) in tasks.into_iter().enumerate() {
        assert_eq!(task.await, Ok(number));
    }
}

#[tokio::test]
async fn a_task_that_no_thread_can_run_is_an_error_and_never_runs() {
    let pool = pool_without_more_threads();
    let release = occupy(&pool);
    let ran = Arc::new(AtomicBool::new(false));
    let runs = Arc::clone(&ran);
    let result = pool
        .spawn(move || runs.store(true, Ordering::Relaxed))
        .await;
    let Err(TaskError::NoThread(message)) = result else {
        panic!("{result:?}")
    };
    assert!(message.contains("TasksMax="), "{message}");
    assert!(pool.failures().get() > 0);
    drop(release);
    assert_eq!(pool.spawn(|| 7).await, Ok(7), "it recovers");
    assert!(!ran.load(Ordering::Relaxed));
}

#[tokio::test]
async fn the_queue_is_bounded() {
    let pool = pool_without_more_threads();
    let release = occupy(&pool);
    let ran = Arc::new(AtomicUsize::new(0));
    for _ in 0..MAX_QUEUE + 100 {
        let ran = Arc::clone(&ran);
        drop(pool.spawn(move || ran.fetch_add(1, Ordering::Relaxed)));
    }
    drop(release);
    while ran.load(Ordering::Relaxed) < MAX_QUEUE {
        // Refused while the queue is full.
        let _ = pool.spawn(|| ()).await;
    }
    assert_eq!(ran.load(Ordering::Relaxed), MAX_QUEUE);
}

#[tokio::test]
async fn more_threads_are_started_when_needed_and_end_when_idle() {
    let pool = BlockingPool::start().unwrap();
    let release = occupy(&pool);
    assert_eq!(pool.spawn(|| 1).await, Ok(1), "another thread was started");
    drop(release);
    while pool.0.count() > KEPT_THREADS {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(pool.spawn(|| 2).await, Ok(2));
}

#[tokio::test]
async fn a_panic_is_an_error_and_the_pool_goes_on() {
    let pool = BlockingPool::start().unwrap();
    for _ in 0..2 * KEPT_THREADS {
        let result = pool
            .spawn(|| std::panic::resume_unwind(Box::new("it")))
            .await;
        assert_eq!(result, Err::<(), _>(TaskError::Panicked));
    }
    assert_eq!(pool.spawn(|| 1).await, Ok(1));
}

#[tokio::test]
async fn threads_end_with_the_pool() {
    let running = Arc::new(());
    let held = Arc::clone(&running);
    let spawn: Spawn = Box::new(move |job| {
        let held = Arc::clone(&held);
        let thread = std::thread::Builder::new();
        thread
            .spawn(move || {
                job();
                drop(held);
            })
            .map(drop)
    });
    let pool = BlockingPool(Arc::new(Threads::start_with(spawn).unwrap()));
    drop(pool);
    while Arc::strong_count(&running) > 1 {
        tokio::task::yield_now().await;
    }
}
