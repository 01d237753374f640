//! The contents that are kept: at most `max_bytes` in total, each once, and no invalid ones.

use super::*;

/// A directory of files, and what a scan of it with a limit keeps.
struct Directory {
    folder: tempfile::TempDir,
    cache: FileCache,
    now: Now,
    policy: BodyPolicy,
    writes: WriteSnapshot,
}

impl Directory {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            cache: FileCache::default(),
            now: Now {
                instant: Instant::now(),
                wall: SystemTime::now(),
            },
            policy: BodyPolicy::default(),
            writes: WriteSnapshot::default(),
        }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.at(name), text).unwrap();
    }

    /// Scans all files; the outcome of each, in order.
    fn scan(&mut self, max_bytes: usize) -> Vec<FileOutcome> {
        let patterns = Patterns::new(&["*.prom".to_owned()]);
        let expansion = expand(
            &[self.folder.path().to_owned()],
            &patterns,
            FollowLinks::default(),
        );
        let settings = FileSettings {
            paths: Vec::new(),
            options: FileOptions::default(),
            limits: Limits {
                max_bytes,
                ..Scene::limits()
            },
            validator: Validator::for_files(self.policy),
            role: Role::Alone,
        };
        let updated = self.cache.update(
            &expansion,
            &settings,
            &SecretIdentities::default(),
            &self.writes,
            self.now,
        );
        assert!(updated.young.len() <= updated.outcomes.len());
        updated.outcomes
    }

    /// The sum of the sizes of the contents in the cache, each counted once.
    fn kept(&self) -> usize {
        let entries = self.cache.entries.values();
        let bodies = entries.filter_map(|entry| Some(&entry.last_good.as_ref()?.body));
        let by_address: HashMap<_, _> = bodies.map(|body| (body.as_ptr(), body.len())).collect();
        by_address.values().sum()
    }
}

/// What is served of each file, and the reason of its error.
fn summary(outcomes: &[FileOutcome]) -> Vec<(bool, Option<Reason>)> {
    let outcomes = outcomes.iter();
    let reason = |outcome: &FileOutcome| outcome.error.as_ref().map(|error| error.reason);
    let summary = outcomes.map(|outcome| (outcome.served.is_some(), reason(outcome)));
    summary.collect()
}

const SERVED: (bool, Option<Reason>) = (true, None);
const TOO_LARGE: (bool, Option<Reason>) = (false, Some(Reason::TooLarge));

#[test]
fn files_beyond_the_limit_of_all_are_too_large_in_the_order_of_their_names() {
    let mut directory = Directory::new();
    for name in ["a", "b", "c", "d"] {
        directory.write(&format!("{name}.prom"), &format!("{name} 1\n").repeat(10));
    }
    directory.write("e.prom", "e 1\n");
    let outcomes = directory.scan(90);
    let expected = [SERVED, SERVED, TOO_LARGE, TOO_LARGE, SERVED];
    assert_eq!(summary(&outcomes), expected);
    assert_eq!(directory.kept(), 84);
    let error = outcomes[2].error.as_ref().unwrap();
    assert!(
        error.message.contains("c.prom: with the files before it"),
        "{error}"
    );
    // An earlier file grows: a later one has to make room, also if it has not changed.
    directory.write("a.prom", &"a 1\n".repeat(20));
    let expected = [SERVED, TOO_LARGE, TOO_LARGE, TOO_LARGE, SERVED];
    assert_eq!(summary(&directory.scan(90)), expected);
    assert_eq!(directory.kept(), 84);
    directory.write("a.prom", "a 1\n");
    let expected = [SERVED, SERVED, SERVED, TOO_LARGE, SERVED];
    assert_eq!(summary(&directory.scan(90)), expected);
    assert_eq!(directory.kept(), 88);
}

#[test]
fn the_last_good_content_counts_and_gives_way_in_order() {
    let mut directory = Directory::new();
    directory.write("a.prom", &"a 1\n".repeat(10));
    directory.write("b.prom", &"b 1\n".repeat(10));
    assert_eq!(summary(&directory.scan(80)), [SERVED, SERVED]);
    directory.write("b.prom", &"b\n".repeat(10));
    let kept = (true, Some(Reason::Malformed));
    assert_eq!(summary(&directory.scan(80)), [SERVED, kept]);
    assert_eq!(directory.kept(), 80);
    directory.write("a.prom", &"a 1\n".repeat(11));
    assert_eq!(summary(&directory.scan(80)), [SERVED, TOO_LARGE]);
    assert_eq!(directory.kept(), 44);
}

#[test]
fn equal_contents_are_held_once() {
    let mut directory = Directory::new();
    let text = "a 1\n".repeat(10);
    directory.write("a.prom", &text);
    std::os::unix::fs::symlink("a.prom", directory.at("b.prom")).unwrap();
    std::fs::hard_link(directory.at("a.prom"), directory.at("c.prom")).unwrap();
    directory.write("d.prom", &text);
    directory.write("e.prom", &"e 1\n".repeat(10));
    let expected = [SERVED, SERVED, SERVED, SERVED, TOO_LARGE];
    for _ in 0..2 {
        assert_eq!(summary(&directory.scan(79)), expected);
        assert_eq!(directory.kept(), text.len());
    }
    // Without their timestamps, two contents are equal.
    let mut stripped = Directory::new();
    stripped.policy.timestamps = local_exporter_config::Timestamps::Strip;
    stripped.write("a.prom", "a 1 1700000000000\n");
    stripped.write("b.prom", "a 1 1700000000001\n");
    assert_eq!(summary(&stripped.scan(100)), [SERVED, SERVED]);
    assert_eq!(stripped.kept(), 4);
}

#[test]
fn a_file_written_again_with_the_same_content_keeps_its_memory() {
    let mut directory = Directory::new();
    let body = |outcomes: Vec<FileOutcome>| outcomes[0].served.clone().unwrap().body;
    directory.write("a.prom", "a 1\n");
    let before = body(directory.scan(100));
    directory.write("a.prom", "a 1\n");
    let after = body(directory.scan(100));
    assert_eq!(before.as_ptr(), after.as_ptr());
    directory.write("a.prom", "a 2\n");
    assert_eq!(body(directory.scan(100)), "a 2\n");
}

#[test]
fn invalid_contents_are_not_kept_and_links_to_them_name_the_file() {
    let mut directory = Directory::new();
    directory.write("a.prom", &"a nonsense\n".repeat(5));
    std::os::unix::fs::symlink("a.prom", directory.at("b.prom")).unwrap();
    let malformed = (false, Some(Reason::Malformed));
    let outcomes = directory.scan(1000);
    assert_eq!(summary(&outcomes), [malformed, malformed]);
    let error = outcomes[1].error.as_ref().unwrap();
    assert!(
        error.message.contains("b.prom: the same file as"),
        "{error}"
    );
    assert_eq!(directory.kept(), 0);
}

#[test]
fn a_kept_content_is_dropped_when_keep_last_good_ends() {
    let mut directory = Directory::new();
    directory.write("a.prom", "a 1\n");
    directory.scan(1000);
    directory.write("a.prom", "a nonsense\n");
    assert_eq!(
        summary(&directory.scan(1000)),
        [(true, Some(Reason::Malformed))]
    );
    assert_eq!(directory.kept(), 4);
    directory.now.instant += FileOptions::default().keep_last_good;
    assert_eq!(
        summary(&directory.scan(1000)),
        [(false, Some(Reason::Malformed))]
    );
    assert_eq!(directory.kept(), 0);
}

#[test]
fn a_sparse_file_is_rejected_by_its_first_bytes() {
    let mut directory = Directory::new();
    directory.write("a.prom", "a 1\n");
    let sparse = std::fs::File::create(directory.at("b.prom")).unwrap();
    // Reading all of it would take minutes.
    sparse.set_len(1 << 40).unwrap();
    let outcomes = directory.scan(1 << 41);
    let truncated = (false, Some(Reason::Truncated));
    assert_eq!(summary(&outcomes), [SERVED, truncated]);
    let error = outcomes[1].error.as_ref().unwrap();
    assert!(error.message.contains("a NUL byte"), "{error}");
}

#[test]
fn removed_files_of_a_directory_keep_their_places_for_a_moment() {
    let mut directory = Directory::new();
    let names = ["a", "b", "c", "d"].map(|name| format!("{name}.prom"));
    for name in &names {
        directory.write(name, "x 1\n");
    }
    directory.scan(1000);
    let pending_writes = PendingWrites::new(SECOND);
    for name in ["a.prom", "b.prom", "d.prom"] {
        std::fs::remove_file(directory.at(name)).unwrap();
        pending_writes.was_removed(OsStr::new(name));
    }
    directory.writes = pending_writes.snapshot();
    for _ in 0..2 {
        let outcomes = directory.scan(1000);
        assert_eq!(summary(&outcomes), [SERVED; 4]);
        let paths = outcomes.iter().map(|outcome| outcome.path.clone());
        assert!(paths.eq(names.iter().map(|name| directory.at(name))));
    }
    directory.writes = WriteSnapshot::default();
    assert_eq!(summary(&directory.scan(1000)), [SERVED]);
}

#[test]
fn only_versions_that_were_read_in_the_same_look_are_compared_with_the_files() {
    let mut directory = Directory::new();
    directory.write("a.prom", "a 1\n");
    let pending_writes = PendingWrites::new(SECOND);
    let patterns = Patterns::new(&["*.prom".to_owned()]);
    let settings = FileSettings {
        paths: Vec::new(),
        options: FileOptions::default(),
        limits: Scene::limits(),
        validator: Validator::for_files(directory.policy),
        role: Role::Alone,
    };
    let mut young = |writes: &WriteSnapshot| {
        let expansion = expand(
            &[directory.folder.path().to_owned()],
            &patterns,
            FollowLinks::default(),
        );
        let cache = &mut directory.cache;
        let updated = cache.update(
            &expansion,
            &settings,
            &SecretIdentities::default(),
            writes,
            directory.now,
        );
        updated.young.len()
    };
    assert_eq!(young(&WriteSnapshot::default()), 1);
    // A writer has opened the file: its version before is kept.
    pending_writes.was_written(OsStr::new("a.prom"));
    assert_eq!(young(&pending_writes.snapshot()), 0);
}
