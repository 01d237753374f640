//! The files that configured paths lead to, in real directories.

use super::*;
use crate::source::watch::{MAX_TARGETS, Target};

fn tree() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in [
        "a/metrics.prom",
        "a/.hidden.prom",
        "a/metrics.prom.tmp",
        "b/metrics.prom",
        "b/other.promfile",
        "b/sub/metrics.prom",
        ".c/metrics.prom",
    ] {
        let path = folder.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "a 1\n").unwrap();
    }
    folder
}

/// The files that paths lead to, relative to the folder; `!` marks those that do not exist.
fn files(folder: &Path, paths: &[&str]) -> Vec<String> {
    let paths: Vec<_> = paths.iter().map(|path| folder.join(path)).collect();
    let patterns = Patterns::new(&["*.prom".to_owned(), "*.promfile".to_owned()]);
    let expansion = expand(&paths, &patterns, FollowLinks::default());
    let relative = |FoundFile { path, state, .. }: &FoundFile| {
        let exists = matches!(state, FileState::Exists);
        let mark = if exists { "" } else { "!" };
        format!("{mark}{}", path.strip_prefix(folder).unwrap().display())
    };
    expansion.files.iter().map(relative).collect()
}

#[test]
fn paths_directories_and_patterns_lead_to_files() {
    let folder = tree();
    let root = folder.path();
    let cases: [(&[&str], &[&str]); 10] = [
        (&["a/metrics.prom"], &["a/metrics.prom"]),
        (&["a"], &["a/metrics.prom"]),
        (&["b"], &["b/metrics.prom", "b/other.promfile"]),
        (
            &["b", "a"],
            &["b/metrics.prom", "b/other.promfile", "a/metrics.prom"],
        ),
        (
            &["*"],
            &["a/metrics.prom", "b/metrics.prom", "b/other.promfile"],
        ),
        (&["*/metrics.prom"], &["a/metrics.prom", "b/metrics.prom"]),
        (
            &["[ab]/*.prom*", "a"],
            &[
                "a/metrics.prom",
                "a/metrics.prom.tmp",
                "b/metrics.prom",
                "b/other.promfile",
            ],
        ),
        (&["?/sub/*"], &["b/sub/metrics.prom"]),
        (&["nothing/*.prom"], &[]),
        (&["nothing.prom"], &["!nothing.prom"]),
    ];
    for (paths, expected) in cases {
        assert_eq!(files(root, paths), expected, "{paths:?}");
    }
}

#[test]
fn files_that_are_passed_over_are_reported_with_the_reason() {
    let folder = tree();
    let patterns = Patterns::new(&["*.prom".to_owned()]);
    let expansion = expand(
        &[folder.path().join("a")],
        &patterns,
        FollowLinks::default(),
    );
    let reported: Vec<_> = expansion
        .passed_over
        .iter()
        .map(|over| (over.path.file_name().unwrap().to_str().unwrap(), over.why))
        .collect();
    let expected = [
        (".hidden.prom", "its name begins with a dot"),
        ("metrics.prom.tmp", "its name matches no pattern"),
    ];
    assert_eq!(reported, expected);
}

#[test]
fn the_nearest_existing_directory_is_watched_for_a_missing_file() {
    let folder = tree();
    let patterns = Patterns::new(&["*.prom".to_owned()]);
    let watched = |path: &str| -> Vec<(PathBuf, Interest)> {
        let expansion = expand(
            &[folder.path().join(path)],
            &patterns,
            FollowLinks::default(),
        );
        let target = |target: Target| (target.directory, target.interest);
        expansion.targets.watched.into_iter().map(target).collect()
    };
    let at = |path: &str| folder.path().join(path);
    let name = |name: &str| Interest::in_name(name.as_ref());
    assert_eq!(watched("a/new.prom"), [(at("a"), name("new.prom"))]);
    assert_eq!(
        watched("x/y/new.prom"),
        [(folder.path().to_owned(), name("x"))]
    );
    let served = Interest::in_patterns(&patterns);
    assert_eq!(watched("a"), [(at("a"), served)]);
    let deep = Interest::in_patterns(&Patterns::new(&["y*".to_owned()]));
    assert_eq!(watched("a/y*/z.prom"), [(at("a"), deep)]);
    assert_eq!(
        watched("x/y*/z.prom"),
        [(folder.path().to_owned(), name("x"))]
    );
}

#[test]
fn the_first_of_too_many_directories_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let directory = |number: usize| folder.path().join(format!("{number:04}"));
    let expanded = |directories: usize| {
        let paths: Vec<_> = (0..directories)
            .map(|number| directory(number).join("it.prom"))
            .collect();
        let targets = expand(&paths, &Patterns::new(&[]), FollowLinks::default()).targets;
        (targets.watched.len(), targets.beyond)
    };
    for number in 0..MAX_TARGETS + 2 {
        std::fs::create_dir(directory(number)).unwrap();
    }
    assert_eq!(expanded(MAX_TARGETS), (MAX_TARGETS, None));
    let beyond = Some(directory(MAX_TARGETS));
    assert_eq!(expanded(MAX_TARGETS + 2), (MAX_TARGETS, beyond));
}

#[test]
fn the_directories_that_links_lead_through_are_watched_too() {
    let folder = tree();
    let link = |target: &str, name: &str| {
        std::os::unix::fs::symlink(target, folder.path().join(name)).unwrap();
    };
    link("second", "first.prom");
    link("b/metrics.prom", "second");
    link("nowhere/yet", "dangling");
    link("circle", "circle");
    let patterns = Patterns::new(&["*.prom".to_owned()]);
    let expanded = |path: &str| {
        expand(
            &[folder.path().join(path)],
            &patterns,
            FollowLinks::default(),
        )
    };
    let watched = |path: &str| -> Vec<String> {
        let targets = expanded(path).targets.watched.into_iter();
        let named = targets.flat_map(|target| {
            let directory = target.directory.strip_prefix(folder.path()).unwrap();
            let Interest { names, patterns } = target.interest;
            let patterns = patterns.iter().map(|_| format!("{}/", directory.display()));
            let names = names
                .iter()
                .map(|name| directory.join(name).display().to_string());
            patterns.chain(names).collect::<Vec<_>>()
        });
        named.collect()
    };
    let through = ["first.prom", "second", "b/metrics.prom"];
    assert_eq!(watched("first.prom"), through);
    // The directory's patterns cover the link, but not the files that it leads through.
    assert_eq!(watched(""), ["/", "second", "b/metrics.prom"]);
    assert_eq!(watched("dangling"), ["dangling", "nowhere"]);
    assert_eq!(watched("circle"), ["circle"]);
    let first = folder.path().join("first.prom");
    let expansion = expanded("first.prom");
    let names: Vec<_> = expansion.names_of(&first).collect();
    assert_eq!(names, ["first.prom", "second", "metrics.prom"]);
}

#[test]
fn every_file_is_in_a_watched_directory_whose_interest_covers_its_name() {
    let folder = tree();
    let patterns = Patterns::new(&["*.prom".to_owned()]);
    for path in [
        "a/metrics.prom",
        "a",
        "*",
        "*/metrics.prom",
        "[ab]/*.prom",
        "?/sub/metrics.prom",
    ] {
        let expansion = expand(
            &[folder.path().join(path)],
            &patterns,
            FollowLinks::default(),
        );
        assert!(!expansion.files.is_empty(), "{path}");
        for FoundFile { path: file, .. } in &expansion.files {
            let covers = |target: &Target| {
                let name = file.file_name().unwrap();
                Some(target.directory.as_path()) == file.parent() && target.interest.covers(name)
            };
            assert!(
                expansion.targets.watched.iter().any(covers),
                "{path}: {}",
                file.display()
            );
        }
    }
}

#[test]
fn a_pattern_that_leads_in_circles_is_an_error_and_others_are_followed() {
    let folder = tree();
    for number in 0..200 {
        let link = folder.path().join(format!("a/link{number}"));
        std::os::unix::fs::symlink(".", link).unwrap();
    }
    let at = |path: &str| folder.path().join(path);
    let patterns = Patterns::new(&["*.prom".to_owned()]);
    let paths = ["a/*/*/*/metrics.prom", "b"].map(at);
    let began = std::time::Instant::now();
    let expansion = expand(&paths, &patterns, FollowLinks::default());
    // All paths of the pattern are eight million.
    assert!(began.elapsed() < std::time::Duration::from_secs(3));
    assert_eq!(
        expansion.targets.watched.len(),
        2,
        "{:?}",
        expansion.targets
    );
    let last = expansion.files.last().unwrap();
    assert_eq!(last.path, at("b/metrics.prom"));
    assert!(matches!(last.state, FileState::Exists));
    let errors = expansion.files.iter().filter_map(|file| match &file.state {
        FileState::Exists => None,
        FileState::Failed(error) | FileState::Foreign(error) => Some((&file.path, error)),
    });
    let [(path, error)] = errors.collect::<Vec<_>>()[..] else {
        panic!("not one error")
    };
    assert_eq!(
        (path, error.reason),
        (&at("a/*/*/*/metrics.prom"), Reason::TooLarge)
    );
    assert!(
        error.message.contains("more than 4096 directories"),
        "{error}"
    );
}
