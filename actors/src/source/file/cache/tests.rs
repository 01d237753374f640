//! The body that is served as a file changes and time passes, with a clock that only the test
//! advances.

mod limits;

use super::*;
use crate::reason::Reason;
use crate::source::file::expand::expand;
use crate::source::file::settings::Role;
use crate::source::watch::pattern::Patterns;
use crate::source::watch::pending_writes::PendingWrites;
use crate::validator::Validator;
use local_exporter_config::{BodyPolicy, FileOptions, FollowLinks, Limits};
use std::ffi::OsStr;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// A file, its cache, and a clock that only the test advances.
struct Scene {
    folder: tempfile::TempDir,
    cache: FileCache,
    options: FileOptions,
    writes: WriteSnapshot,
    pending_writes: PendingWrites,
    now: Now,
}

impl Scene {
    fn new(options: FileOptions) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            cache: FileCache::default(),
            options,
            writes: WriteSnapshot::default(),
            pending_writes: PendingWrites::new(SECOND * 15),
            now: Now {
                instant: Instant::now(),
                wall: SystemTime::now(),
            },
        }
    }

    fn limits() -> Limits {
        Limits {
            timeout: SECOND,
            max_bytes: 1000,
            max_in_flight: 1,
            refresh: SECOND,
            min_interval: Duration::ZERO,
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("it.prom")
    }

    fn write(&self, text: &str) {
        std::fs::write(self.path(), text).unwrap();
    }

    fn pass(&mut self, time: Duration) {
        self.now.instant += time;
        self.now.wall += time;
    }

    /// The body that is served, the reason of the error, and when to decide again.
    fn scan(&mut self) -> (Option<String>, Option<Reason>, Option<Duration>) {
        let expansion = expand(&[self.path()], &Patterns::new(&[]), FollowLinks::default());
        let settings = FileSettings {
            paths: Vec::new(),
            options: self.options.clone(),
            limits: Self::limits(),
            validator: Validator::for_files(BodyPolicy::default()),
            role: Role::Alone,
        };
        let updated = self.cache.update(
            &expansion,
            &settings,
            &SecretIdentities::default(),
            &self.writes,
            self.now,
        );
        let mut outcomes = updated.outcomes;
        let outcome = outcomes.pop().unwrap();
        assert!(outcomes.is_empty());
        let body = outcome
            .served
            .map(|good| String::from_utf8(good.body.to_vec()).unwrap());
        (body, outcome.error.map(|error| error.reason), outcome.due)
    }
}

const SECOND: Duration = Duration::from_secs(1);

fn served(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn the_last_good_body_is_kept_for_a_while_and_no_longer() {
    let mut scene = Scene::new(FileOptions::default());
    scene.write("good 1\n");
    assert_eq!(scene.scan(), (served("good 1\n"), None, None));
    scene.write("bad\n");
    let minute = SECOND * 60;
    let bad = Some(Reason::Malformed);
    assert_eq!(scene.scan(), (served("good 1\n"), bad, Some(minute)));
    scene.pass(SECOND * 59);
    scene.write("still bad\n");
    assert_eq!(scene.scan(), (served("good 1\n"), bad, Some(SECOND)));
    scene.pass(SECOND);
    assert_eq!(scene.scan(), (None, bad, None));
    scene.write("good 2\n");
    assert_eq!(scene.scan(), (served("good 2\n"), None, None));
}

#[test]
fn a_deleted_file_is_gone_at_once_without_events() {
    let mut scene = Scene::new(FileOptions::default());
    scene.write("good 1\n");
    scene.scan();
    std::fs::remove_file(scene.path()).unwrap();
    assert_eq!(scene.scan(), (None, Some(Reason::Absent), None));
    scene.write("bad\n");
    let bad = (None, Some(Reason::Malformed), None);
    assert_eq!(scene.scan(), bad, "the body of a deleted file is not kept");
}

#[test]
fn a_file_that_cannot_be_read_is_tried_again_after_as_long_as_it_has_failed() {
    let mut scene = Scene::new(FileOptions::default());
    // A regular file whose first page cannot be read: nothing is mapped there (proc_pid_mem(5)).
    std::os::unix::fs::symlink("/proc/self/mem", scene.path()).unwrap();
    let failed = |again| (None, Some(Reason::Io), Some(again));
    assert_eq!(scene.scan(), failed(SECOND));
    scene.pass(SECOND / 2);
    assert_eq!(scene.scan(), failed(SECOND));
    scene.pass(SECOND * 7 / 2);
    assert_eq!(scene.scan(), failed(SECOND * 4));
    std::fs::remove_file(scene.path()).unwrap();
    scene.write("good 1\n");
    assert_eq!(scene.scan(), (served("good 1\n"), None, None));
}

#[test]
fn a_file_that_cannot_be_read_is_tried_again_even_if_it_has_become_stale() {
    let mut scene = Scene::new(FileOptions {
        max_age: Some(SECOND * 100),
        ..FileOptions::default()
    });
    scene.write("good 1\n");
    scene.scan();
    std::fs::remove_file(scene.path()).unwrap();
    std::os::unix::fs::symlink("/proc/self/mem", scene.path()).unwrap();
    let temporary = (served("good 1\n"), Some(Reason::Io), Some(SECOND));
    assert_eq!(scene.scan(), temporary);
    scene.pass(SECOND * 50);
    scene.scan();
    scene.options.keep_last_good = SECOND * 1000;
    scene.pass(SECOND * 51);
    assert_eq!(
        scene.scan(),
        (None, Some(Reason::Stale), Some(SECOND * 101))
    );
}

#[test]
fn keep_last_good_zero_keeps_nothing() {
    let mut scene = Scene::new(FileOptions {
        keep_last_good: Duration::ZERO,
        ..FileOptions::default()
    });
    scene.write("good 1\n");
    scene.scan();
    scene.write("");
    assert_eq!(scene.scan(), (None, Some(Reason::Empty), None));
}

#[test]
fn a_body_older_than_max_age_is_stale_until_the_file_is_touched() {
    let mut scene = Scene::new(FileOptions {
        max_age: Some(SECOND * 100),
        ..FileOptions::default()
    });
    scene.write("good 1\n");
    let modified = scene.now.wall - SECOND * 40;
    let set = |scene: &Scene, time| {
        let file = std::fs::File::options()
            .write(true)
            .open(scene.path())
            .unwrap();
        file.set_modified(time).unwrap();
    };
    set(&scene, modified);
    assert_eq!(scene.scan(), (served("good 1\n"), None, Some(SECOND * 60)));
    scene.pass(SECOND * 60);
    assert_eq!(scene.scan(), (None, Some(Reason::Stale), None));
    set(&scene, scene.now.wall + SECOND * 5);
    assert_eq!(scene.scan(), (served("good 1\n"), None, Some(SECOND * 100)));
}

#[test]
fn a_file_too_large_is_not_kept() {
    let mut scene = Scene::new(FileOptions::default());
    scene.write("good 1\n");
    scene.scan();
    scene.write(&"good 1\n".repeat(200));
    assert_eq!(scene.scan(), (None, Some(Reason::TooLarge), None));
}

#[test]
fn half_of_a_file_that_is_being_written_is_not_served() {
    let mut scene = Scene::new(FileOptions::default());
    scene.write("good 1\n");
    scene.scan();
    scene.write("good 22\n");
    // A write is pending: the last good body is served, without an error.
    scene.pending_writes.was_written(OsStr::new("it.prom"));
    scene.writes = scene.pending_writes.snapshot();
    assert_eq!(scene.scan(), (served("good 1\n"), None, None));
    // The writer closes without writing more.
    scene.writes = WriteSnapshot::default();
    assert_eq!(scene.scan(), (served("good 22\n"), None, None));
}

#[test]
fn a_new_file_that_is_being_written_is_an_error_only_if_that_takes_long() {
    let mut scene = Scene::new(FileOptions::default());
    scene.write("good 1\n");
    scene.pending_writes.was_written(OsStr::new("it.prom"));
    scene.writes = scene.pending_writes.snapshot();
    assert_eq!(scene.scan(), (None, None, None));
    scene.pass(SECOND * 2);
    assert_eq!(scene.scan(), (None, Some(Reason::Truncated), None));
    scene.writes = WriteSnapshot::default();
    assert_eq!(scene.scan(), (served("good 1\n"), None, None));
}

#[test]
fn a_file_that_ends_with_eof_is_complete_while_it_is_open() {
    let mut scene = Scene::new(FileOptions::default());
    scene.write("good 1\n");
    scene.scan();
    scene.pending_writes.was_written(OsStr::new("it.prom"));
    scene.writes = scene.pending_writes.snapshot();
    scene.write("good 2\n# EO");
    assert_eq!(scene.scan(), (served("good 1\n"), None, None));
    scene.write("good 2\n# EOF\n");
    assert_eq!(scene.scan(), (served("good 2\n# EOF\n"), None, None));
    scene.write("good\n# EOF\n");
    assert_eq!(scene.scan(), (served("good 2\n# EOF\n"), None, None));
}

#[test]
fn a_removed_file_keeps_its_content_and_its_place_for_a_moment() {
    let mut scene = Scene::new(FileOptions::default());
    scene.write("good 1\n");
    scene.scan();
    std::fs::remove_file(scene.path()).unwrap();
    scene.pending_writes.was_removed(OsStr::new("it.prom"));
    scene.writes = scene.pending_writes.snapshot();
    assert_eq!(scene.scan(), (served("good 1\n"), None, None));
    scene.writes = WriteSnapshot::default();
    assert_eq!(scene.scan(), (None, Some(Reason::Absent), None));
}
