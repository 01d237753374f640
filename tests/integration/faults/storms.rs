//! Storms of changes to files: whatever happens how fast, an answer is one whole text that somebody
//! wrote, and after the storm it is the last one.

use super::scene::{Outcome, SOON, Scene, hold};
use crate::support::{quoted, until};
use local_exporter_daemons::promfile::PromFile;
use local_exporter_daemons::storm::Storm;
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a storm blows.
const STORM: Duration = Duration::from_millis(1500);
/// How soon news has to be served from amid a storm in its own directory: a second was seen, with
/// many times more events than a debug build can read.
const NEWS: Duration = Duration::from_secs(5);
/// What makes a storm of one: so many changes a second. A machine that has nothing else to do makes
/// ten times as many.
const AT_LEAST: u64 = 2000;
/// Where files are in memory, as below `/run`, where daemons write theirs. A disk that has to keep
/// up would turn a storm into a breeze.
const IN_MEMORY: &str = "/dev/shm";

/// A scene whose `it` is all that `pattern` matches in a directory, noticed by events alone.
fn scene(pattern: &str) -> (Scene, TempDir) {
    let directory = match Path::new(IN_MEMORY).is_dir() {
        true => tempfile::tempdir_in(IN_MEMORY),
        false => tempfile::tempdir(),
    };
    let directory = directory.unwrap();
    let scene = Scene::start(|_| {
        format!(
            "[bridge.selectors.it]\nkind = \"file\"\npath = {}\npattern = {pattern:?}\n\
             refresh = \"1h\"\n",
            quoted(directory.path())
        )
    });
    (scene, directory)
}

/// Holds the changes of a storm against what makes one, where a disk has no say in it.
#[track_caller]
fn assert_storm(name: &str, changes: u64, took: Duration) {
    println!("{name}: {changes} changes in {took:.1?}");
    if !Path::new(IN_MEMORY).is_dir() {
        return println!("skipped: how fast it was: there is no {IN_MEMORY}");
    }
    let least = AT_LEAST * u64::try_from(took.as_millis()).unwrap() / 1000;
    assert!(
        changes >= least,
        "{changes} changes in {took:?} are no {name}"
    );
}

/// One version of a text: two lines that tell whether they belong together.
fn version(number: u64) -> Vec<u8> {
    format!("it_first {number}\nit_second {number}\n").into_bytes()
}

/// The number of a whole version.
fn number(body: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(body).ok()?;
    let number = text
        .strip_prefix("it_first ")?
        .lines()
        .next()?
        .parse()
        .ok()?;
    (version(number) == body).then_some(number)
}

/// What answers may be while a storm blows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answers {
    /// A whole version, and never an earlier one than before.
    Whole,
    /// Anything: the file is hardly ever whole.
    Any,
}

/// Blows `change` over the file while `it` is scraped; then the last version has to be served.
/// How many changes that were, and how long it took.
#[track_caller]
fn storm(
    name: &str,
    answers: Answers,
    change: impl Fn(&PromFile, u64) -> io::Result<()> + Send + 'static,
) -> (u64, Duration) {
    let (scene, directory) = scene("it.prom");
    let file = PromFile::new(directory.path().join("it.prom"));
    file.write(&version(0)).unwrap();
    until("it is served", || scene.exporter.scrape("it").status == 200);
    scene.meanwhile(name, || {
        let begin = Instant::now();
        let storm = Storm::of(move |round| change(&file, round + 1)).unwrap();
        let (mut latest, mut longest) = (0, Duration::ZERO);
        while begin.elapsed() < STORM {
            let began = Instant::now();
            let reply = scene.exporter.scrape("it");
            longest = longest.max(began.elapsed());
            if answers == Answers::Whole {
                assert_eq!(reply.status, 200, "{}", reply.text());
                let number = number(&reply.body).unwrap_or_else(|| panic!("{}", reply.text()));
                assert!(number >= latest, "{number} after {latest}");
                latest = number;
            }
        }
        let changes = storm.end().unwrap();
        let took = begin.elapsed();
        assert!(longest < SOON, "an answer took {longest:?}");
        let last = version(changes);
        until("the last version is served", || {
            scene.exporter.scrape("it").body == last
        });
        (Outcome::good(longest), (changes, took))
    })
}

#[test]
fn of_renames() {
    let name = "storm of renames";
    let write = |file: &PromFile, number| {
        let new = file.path().with_extension("new");
        fs::write(&new, version(number))?;
        fs::rename(new, file.path())
    };
    let (changes, took) = storm(name, Answers::Whole, write);
    assert_storm(name, changes, took);
}

#[test]
fn of_rewrites_in_place_by_halves() {
    let (half, rest) = (Duration::from_millis(3), Duration::from_millis(25));
    storm(
        "rewrites in place by halves",
        Answers::Whole,
        move |file, number| {
            file.write_by_halves(&version(number), || hold(half))?;
            hold(rest);
            Ok(())
        },
    );
}

/// Without any rest between the writings: there is no moment at which the file can be trusted.
#[test]
fn of_rewrites_in_place_without_a_break() {
    storm("rewrites without a break", Answers::Any, |file, number| {
        file.write_by_halves(&version(number), std::thread::yield_now)
    });
}

#[test]
fn of_other_files() {
    let name = "storm of other files";
    let (scene, directory) = scene("it.prom");
    let file = PromFile::new(directory.path().join("it.prom"));
    file.write(&version(0)).unwrap();
    until("it is served", || scene.exporter.scrape("it").status == 200);
    let (changes, took) = scene.meanwhile(name, || {
        let other = |directory: &Path, round: u64| {
            let path = directory.join(format!("{}.tmp", round % 100));
            fs::write(&path, "other")?;
            fs::remove_file(&path)
        };
        let path = directory.path().to_owned();
        let begin = Instant::now();
        let storm = Storm::of(move |round| other(&path, round)).unwrap();
        let mut longest = Duration::ZERO;
        for round in 1.. {
            file.write(&version(round)).unwrap();
            let written = Instant::now();
            until("its news is served", || {
                scene.exporter.scrape("it").body == version(round)
            });
            longest = longest.max(written.elapsed());
            if begin.elapsed() >= STORM {
                break;
            }
        }
        let changes = storm.end().unwrap();
        assert!(longest < NEWS, "news took {longest:?}");
        (Outcome::good(longest), (changes, begin.elapsed()))
    });
    assert_storm(name, changes, took);
}
