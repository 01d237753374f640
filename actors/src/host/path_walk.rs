//! The way a path takes through the file system, one component at a time, as the kernel goes it
//! (`path_resolution(7)`).
//!
//! Looks at names alone and opens nothing; what it finds is judged elsewhere.

use rustix::io::Errno;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Component, Path, PathBuf};

/// The most links on one way, as for the kernel.
const MOST_LINKS: usize = 40;

/// Where a path leads through, without links, and to what.
#[derive(Debug)]
pub(crate) struct Trail {
    /// What has to be searched, from the root on.
    pub(crate) passed: Vec<Stop>,
    /// What it leads to in the end.
    pub(crate) end: Result<Stop, Broken>,
}

/// One name that is there.
#[derive(Debug)]
pub(crate) struct Stop {
    pub(crate) path: PathBuf,
    pub(crate) found: Metadata,
}

/// Where the way ends too early.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) at: PathBuf,
    /// The last link that was followed to there, if there was one.
    pub(crate) link: Option<PathBuf>,
    pub(crate) error: io::Error,
}

/// Goes along an absolute path.
pub(crate) fn follow(path: &Path) -> Trail {
    let mut passed: Vec<Stop> = Vec::new();
    let end = walk(path, &mut passed);
    Trail { passed, end }
}

fn walk(path: &Path, passed: &mut Vec<Stop>) -> Result<Stop, Broken> {
    let mut here = PathBuf::from("/");
    // The next one stands last.
    let mut ahead = names(path);
    let mut links = 0;
    let mut link = None;
    loop {
        let broken = |error| Broken {
            at: here.clone(),
            link: link.clone(),
            error,
        };
        let found = here.symlink_metadata().map_err(broken)?;
        if found.is_symlink() {
            links += 1;
            if links > MOST_LINKS {
                return Err(broken(Errno::LOOP.into()));
            }
            let target = fs::read_link(&here).map_err(broken)?;
            ahead.extend(names(&target));
            link = Some(here.clone());
            here.pop();
            if target.is_absolute() {
                here = PathBuf::from("/");
            }
            continue;
        }
        let path = here.clone();
        let Some(next) = ahead.pop() else {
            return Ok(Stop { path, found });
        };
        if passed.iter().all(|known| known.path != path) {
            passed.push(Stop { path, found });
        }
        if next == ".." {
            here.pop();
        } else {
            here.push(next);
        }
    }
}

/// The components of a path that lead somewhere, the last one first.
fn names(path: &Path) -> Vec<OsString> {
    let names = path.components().rev().filter_map(|component| {
        let name = component.as_os_str().to_owned();
        matches!(component, Component::Normal(_) | Component::ParentDir).then_some(name)
    });
    names.collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_are_followed_and_each_directory_is_passed_once() {
        let folder = tempfile::tempdir_in(std::env::temp_dir().canonicalize().unwrap()).unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("real/deep")).unwrap();
        fs::write(at("real/deep/m.prom"), "").unwrap();
        symlink("real/deep/../deep", at("relative")).unwrap();
        symlink(at("relative"), at("absolute")).unwrap();
        symlink("circle", at("circle")).unwrap();
        let trail = follow(&at("absolute/m.prom"));
        assert_eq!(trail.end.unwrap().path, at("real/deep/m.prom"));
        let passed: Vec<_> = trail.passed.into_iter().map(|stop| stop.path).collect();
        let count = |path: &Path| passed.iter().filter(|passed| *passed == path).count();
        for directory in ["", "real", "real/deep"] {
            assert_eq!(
                count(at(directory).as_path()),
                1,
                "{directory} in {passed:?}"
            );
        }
        assert_eq!(passed.first().unwrap(), Path::new("/"));

        let ends = [
            ("absent/m.prom", "absent", io::ErrorKind::NotFound),
            (
                "real/deep/m.prom/below",
                "real/deep/m.prom/below",
                io::ErrorKind::NotADirectory,
            ),
        ];
        for (path, end, kind) in ends {
            let broken = follow(&at(path)).end.unwrap_err();
            assert_eq!((broken.at, broken.error.kind()), (at(end), kind), "{path}");
        }
        assert_eq!(follow(&at("absent")).end.unwrap_err().link, None);
        symlink("nowhere", at("dangling")).unwrap();
        let broken = follow(&at("dangling")).end.unwrap_err();
        assert_eq!(
            (broken.at, broken.link),
            (at("nowhere"), Some(at("dangling")))
        );
        let broken = follow(&at("circle")).end.unwrap_err();
        assert_eq!(Errno::from_io_error(&broken.error), Some(Errno::LOOP));
    }
}
