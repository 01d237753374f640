//! Storms of changes to files: at any rate of changes, a body is one complete version of a file, and
//! after the storm it is the last one.
//!
//! A storm lasts until there were enough changes and enough responses during it, so the tests do not
//! depend on the speed of the machine.

use super::scene::{Outcome, Scene, hold};
use crate::support::{PATIENCE, quoted, until};
use local_exporter_daemons::promfile::PromFile;
use local_exporter_daemons::storm::Storm;
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The shortest time of a storm.
const STORM: Duration = Duration::from_millis(1500);
/// The least number of changes of a storm. An idle machine makes ten times as many in that time.
const CHANGES: u64 = 3000;
/// The least number of responses during a storm.
const SCRAPES: u32 = 20;
/// A file system in memory, like `/run`, where daemons write their files: a disk would slow down the
/// storm.
const IN_MEMORY: &str = "/dev/shm";

/// A scene whose `it` is every file that `pattern` matches in a directory; changes are noticed by events
/// only.
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

/// Whether a storm has to continue: too little time, too few changes or too few responses so far.
#[track_caller]
fn goes_on(storm: &Storm, began: Instant, changes: u64, scrapes: u32) -> bool {
    let took = began.elapsed();
    let made = storm.changes();
    let goes_on = took < STORM || made < changes || scrapes < SCRAPES;
    assert!(
        !goes_on || took < PATIENCE,
        "{made} changes and {scrapes} scrapes in {took:?}"
    );
    goes_on
}

/// One version of a body: two lines that show whether they belong together.
fn version(number: u64) -> Vec<u8> {
    format!("it_first {number}\nit_second {number}\n").into_bytes()
}

/// The number of a complete version.
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

/// The responses that are allowed during a storm.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bodies {
    /// A complete version, never an earlier one than before.
    Whole,
    /// Any response: the file is rarely complete.
    Any,
}

/// Runs `change` at least `changes` times while `it` is scraped. After it, the last version has to be
/// served.
#[track_caller]
fn storm(
    name: &str,
    bodies: Bodies,
    changes: u64,
    change: impl Fn(&PromFile, u64) -> io::Result<()> + Send + 'static,
) {
    let (scene, directory) = scene("it.prom");
    let file = PromFile::new(directory.path().join("it.prom"));
    file.write(&version(0)).unwrap();
    until("the file is served", || {
        scene.exporter.scrape("it").status == 200
    });
    scene.meanwhile(name, || {
        let began = Instant::now();
        let storm = Storm::of(move |round| change(&file, round + 1)).unwrap();
        let (mut latest, mut longest, mut scrapes) = (0, Duration::ZERO, 0);
        while goes_on(&storm, began, changes, scrapes) {
            let asked = Instant::now();
            let reply = scene.exporter.scrape("it");
            longest = longest.max(asked.elapsed());
            scrapes += 1;
            if bodies == Bodies::Whole {
                assert_eq!(reply.status, 200, "{}", reply.text());
                let number = number(&reply.body).unwrap_or_else(|| panic!("{}", reply.text()));
                assert!(number >= latest, "{number} after {latest}");
                latest = number;
            }
        }
        let changes = storm.end().unwrap();
        println!("{name}: {changes} changes in {:.1?}", began.elapsed());
        let last = version(changes);
        until("the last version is served", || {
            scene.exporter.scrape("it").body == last
        });
        (Outcome::good(longest), ())
    });
}

#[test]
fn of_renames() {
    let write = |file: &PromFile, number| {
        let new = file.path().with_extension("new");
        fs::write(&new, version(number))?;
        fs::rename(new, file.path())
    };
    storm("storm of renames", Bodies::Whole, CHANGES, write);
}

#[test]
fn of_rewrites_in_place_by_halves() {
    let (half, rest) = (Duration::from_millis(3), Duration::from_millis(25));
    let name = "rewrites in place by halves";
    storm(name, Bodies::Whole, 30, move |file, number| {
        file.write_by_halves(&version(number), || hold(half))?;
        hold(rest);
        Ok(())
    });
}

/// Without a pause between the writes, the file is reliable at no moment.
#[test]
fn of_rewrites_in_place_without_a_break() {
    let name = "rewrites without a break";
    storm(name, Bodies::Any, CHANGES, |file, number| {
        file.write_by_halves(&version(number), std::thread::yield_now)
    });
}

#[test]
fn of_other_files() {
    let name = "storm of other files";
    let (scene, directory) = scene("it.prom");
    let file = PromFile::new(directory.path().join("it.prom"));
    file.write(&version(0)).unwrap();
    until("the file is served", || {
        scene.exporter.scrape("it").status == 200
    });
    scene.meanwhile(name, || {
        let other = |directory: &Path, round: u64| {
            let path = directory.join(format!("{}.tmp", round % 100));
            fs::write(&path, "other")?;
            fs::remove_file(&path)
        };
        let path = directory.path().to_owned();
        let began = Instant::now();
        let storm = Storm::of(move |round| other(&path, round)).unwrap();
        let (mut longest, mut scrapes) = (Duration::ZERO, 0);
        while goes_on(&storm, began, CHANGES, scrapes) {
            scrapes += 1;
            let body = version(scrapes.into());
            file.write(&body).unwrap();
            let written = Instant::now();
            until("the new version is served during the storm", || {
                scene.exporter.scrape("it").body == body
            });
            longest = longest.max(written.elapsed());
        }
        let changes = storm.end().unwrap();
        println!("{name}: {changes} changes in {:.1?}", began.elapsed());
        (Outcome::good(longest), ())
    });
}
