//! Shows through which symbolic links a path leads: resolves it one component at a time, as the kernel
//! does (`path_resolution(7)`).
//!
//! Reads names and links, and opens nothing. Callers decide what the result means.

use rustix::io::Errno;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::path::{self, Path, PathBuf};

/// The most links on one path, as in the kernel.
const MAX_LINKS: usize = 40;

/// The resolution of one path.
#[derive(Debug)]
pub(crate) struct PathWalk {
    /// The components that have to be searched, from the root on, each once and by a path without
    /// links.
    pub(crate) passed: Vec<Component>,
    /// The links that were followed, in order.
    pub(crate) links: Vec<Link>,
    /// The object that the path leads to.
    pub(crate) end: Result<Component, WalkError>,
}

/// A component that exists, and is no link.
#[derive(Debug)]
pub(crate) struct Component {
    pub(crate) path: PathBuf,
    pub(crate) metadata: Metadata,
}

/// A symbolic link that was followed.
#[derive(Debug)]
pub(crate) struct Link {
    /// The directory of the link; a path without links.
    pub(crate) directory: PathBuf,
    /// The text of the link.
    pub(crate) target: PathBuf,
    /// The rest of the path after the link; empty if the link is the last component.
    pub(crate) rest: PathBuf,
}

/// The component at which the resolution fails, and why.
#[derive(Debug)]
pub(crate) struct WalkError {
    /// The component that cannot be looked up.
    pub(crate) at: PathBuf,
    /// The last link that was followed before it, if any.
    pub(crate) link: Option<PathBuf>,
    pub(crate) error: io::Error,
}

impl Link {
    /// The path that the link leads to.
    pub(crate) fn destination(&self) -> PathBuf {
        self.directory.join(&self.target)
    }

    /// The whole path with the link replaced by where it leads.
    pub(crate) fn replaced(&self) -> PathBuf {
        let destination = self.destination();
        let rest = self.rest.components();
        destination.components().chain(rest).collect()
    }
}

/// Resolves an absolute path. Blocks.
pub(crate) fn walk(path: &Path) -> PathWalk {
    let (mut passed, mut links) = (Vec::new(), Vec::new());
    let end = resolve(path, &mut passed, &mut links);
    PathWalk { passed, links, end }
}

fn resolve(
    path: &Path,
    passed: &mut Vec<Component>,
    links: &mut Vec<Link>,
) -> Result<Component, WalkError> {
    let mut here = PathBuf::from("/");
    // In reverse: the next component is the last element.
    let mut ahead = names(path);
    let mut last_link = None;
    loop {
        let failed = |error| WalkError {
            at: here.clone(),
            link: last_link.clone(),
            error,
        };
        let metadata = here.symlink_metadata().map_err(failed)?;
        if metadata.is_symlink() {
            if links.len() == MAX_LINKS {
                return Err(failed(Errno::LOOP.into()));
            }
            let target = fs::read_link(&here).map_err(failed)?;
            last_link = Some(here.clone());
            here.pop();
            links.push(Link {
                directory: here.clone(),
                target: target.clone(),
                rest: ahead.iter().rev().collect(),
            });
            ahead.extend(names(&target));
            if target.is_absolute() {
                here = PathBuf::from("/");
            }
            continue;
        }
        let path = here.clone();
        let Some(next) = ahead.pop() else {
            return Ok(Component { path, metadata });
        };
        if passed.iter().all(|known| known.path != path) {
            passed.push(Component { path, metadata });
        }
        if next == ".." {
            here.pop();
        } else {
            here.push(next);
        }
    }
}

/// The components of a path that lead somewhere, in reverse.
fn names(path: &Path) -> Vec<OsString> {
    let names = path.components().rev().filter_map(|component| {
        let leads = matches!(
            component,
            path::Component::Normal(_) | path::Component::ParentDir
        );
        leads.then(|| component.as_os_str().to_owned())
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
        let found = walk(&at("absolute/m.prom"));
        assert_eq!(found.end.unwrap().path, at("real/deep/m.prom"));
        let links: Vec<_> = found
            .links
            .iter()
            .map(|link| (link.destination(), link.rest.as_path()))
            .collect();
        let expected = [
            (at("relative"), Path::new("m.prom")),
            (at("real/deep/../deep"), Path::new("m.prom")),
        ];
        assert_eq!(links, expected);
        let passed: Vec<_> = found
            .passed
            .into_iter()
            .map(|component| component.path)
            .collect();
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
            let error = walk(&at(path)).end.unwrap_err();
            assert_eq!((error.at, error.error.kind()), (at(end), kind), "{path}");
        }
        assert_eq!(walk(&at("absent")).end.unwrap_err().link, None);
        symlink("nowhere", at("dangling")).unwrap();
        let error = walk(&at("dangling")).end.unwrap_err();
        assert_eq!(
            (error.at, error.link),
            (at("nowhere"), Some(at("dangling")))
        );
        let error = walk(&at("circle")).end.unwrap_err();
        assert_eq!(Errno::from_io_error(&error.error), Some(Errno::LOOP));
    }
}
