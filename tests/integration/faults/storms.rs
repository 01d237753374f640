//! Storms of changes to files: whatever happens how fast, an answer is one whole text that somebody
//! wrote, and after the storm it is the last one.

use super::scene::{Outcome, Scene, hold};
use crate::support::{quoted, until};
use local_exporter_daemons::promfile::PromFile;
use local_exporter_daemons::storm::Storm;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a storm blows.
const STORM: Duration = Duration::from_millis(1500);

/// A scene whose `it` is all that `pattern` matches in a directory, noticed by events alone.
fn scene(pattern: &str) -> (Scene, PathBuf) {
    let scene = Scene::start(|folder| {
        let directory = folder.join("it");
        fs::create_dir(&directory).unwrap();
        format!(
            "[bridge.selectors.it]\nkind = \"file\"\npath = {}\npattern = {pattern:?}\n\
             refresh = \"1h\"\n",
            quoted(&directory)
        )
    });
    let directory = scene.folder().join("it");
    (scene, directory)
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
#[track_caller]
fn storm(
    name: &str,
    answers: Answers,
    change: impl Fn(&PromFile, u64) -> io::Result<()> + Send + 'static,
) {
    let (scene, directory) = scene("it.prom");
    let file = PromFile::new(directory.join("it.prom"));
    file.write(&version(0)).unwrap();
    until("it is served", || scene.exporter.scrape("it").status == 200);
    scene.meanwhile(name, || {
        let storm = Storm::of(move |round| change(&file, round + 1)).unwrap();
        let (mut latest, mut longest, mut scrapes) = (0, Duration::ZERO, 0);
        let end = Instant::now() + STORM;
        while Instant::now() < end {
            let began = Instant::now();
            let reply = scene.exporter.scrape("it");
            longest = longest.max(began.elapsed());
            scrapes += 1;
            if answers == Answers::Whole {
                assert_eq!(reply.status, 200, "{}", reply.text());
                let number = number(&reply.body).unwrap_or_else(|| panic!("{}", reply.text()));
                assert!(number >= latest, "{number} after {latest}");
                latest = number;
            }
        }
        let changes = storm.end().unwrap();
        println!("{name}: {changes} changes and {scrapes} scrapes in {STORM:?}");
        let last = version(changes);
        until("the last version is served", || {
            scene.exporter.scrape("it").body == last
        });
        (Outcome::good(longest), ())
    });
}

#[test]
fn of_renames() {
    storm("storm of renames", Answers::Whole, |file, number| {
        file.write(&version(number))
    });
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
    let (scene, directory) = scene("it.prom");
    let file = PromFile::new(directory.join("it.prom"));
    file.write(&version(0)).unwrap();
    until("it is served", || scene.exporter.scrape("it").status == 200);
    scene.meanwhile("storm of other files", || {
        let other = move |directory: &Path, round: u64| {
            let path = directory.join(format!("{}.tmp", round % 100));
            fs::write(&path, "other")?;
            fs::remove_file(&path)
        };
        let storm = Storm::of(move |round| other(&directory, round)).unwrap();
        let end = Instant::now() + STORM;
        let mut longest = Duration::ZERO;
        for round in 1.. {
            file.write(&version(round)).unwrap();
            let written = Instant::now();
            until("its news is served", || {
                scene.exporter.scrape("it").body == version(round)
            });
            longest = longest.max(written.elapsed());
            if Instant::now() >= end {
                break;
            }
        }
        println!(
            "storm of other files: {} in {STORM:?}",
            storm.end().unwrap()
        );
        (Outcome::good(longest), ())
    });
}
