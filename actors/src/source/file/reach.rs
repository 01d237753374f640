//! Where a source of files reads, for whoever takes the rest of the host away from the process.
//!
//! Links are followed as they stand now, one at a time: each of the ways counts,
//! since each link may be replaced by what it leads to. Blocks; opens no file.

use super::expand::{MOST_LINKS, expand};
use super::pattern::{Patterns, is_pattern, split};
use local_exporter_config::FileOptions;
use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

/// The directories in which the files stand that `paths` lead to, or in which
/// they would: an absent path, or what a link leads to, need not exist.
pub(in crate::source) fn directories(
    paths: &[PathBuf],
    options: &FileOptions,
) -> BTreeSet<PathBuf> {
    let patterns = Patterns::new(&options.patterns);
    let files = expand(paths, &patterns).files.into_iter();
    let configured = paths.iter().map(|path| until_wildcard(path));
    let ways = configured
        .chain(files.map(|(file, _)| file))
        .flat_map(|path| ways(&path));
    ways.map(|way| match way.parent() {
        Some(parent) if !way.is_dir() => parent.to_owned(),
        _ => way,
    })
    .collect()
}

/// A path up to its first component with a wildcard, which is in the directory that is listed first.
fn until_wildcard(path: &Path) -> PathBuf {
    if !path.to_str().is_some_and(is_pattern) {
        return path.to_owned();
    }
    let (base, rest) = split(path);
    rest.first().map_or(base.clone(), |first| base.join(first))
}

/// A path as it is written, and with each further link on it replaced by where that leads.
fn ways(path: &Path) -> Vec<PathBuf> {
    let mut ways = vec![path.to_owned()];
    let mut way = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Some(link) = first_link(&way) else { break };
        // What a link leads to may be exchanged for another of its kind, as releases are. Those
        // that stand at the root are the system's own.
        if link.place != Path::new("/") {
            ways.push(link.target());
        }
        way = link
            .target()
            .components()
            .chain(link.rest.components())
            .collect();
        ways.push(way.clone());
    }
    // Without links, `..` takes one component back.
    ways.push(without_parents(&way));
    ways
}

/// A link on a path.
struct Link<'a> {
    place: &'a Path,
    leads_to: PathBuf,
    rest: &'a Path,
}

impl Link<'_> {
    fn target(&self) -> PathBuf {
        self.place.join(&self.leads_to)
    }
}

fn first_link(path: &Path) -> Option<Link<'_>> {
    let ancestors: Vec<&Path> = path.ancestors().collect();
    ancestors.into_iter().rev().find_map(|link| {
        Some(Link {
            leads_to: std::fs::read_link(link).ok()?,
            place: link.parent()?,
            rest: path.strip_prefix(link).ok()?,
        })
    })
}

fn without_parents(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        if component == Component::ParentDir {
            plain.pop();
        } else {
            plain.push(component);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;
    use std::os::unix::fs::symlink;

    /// The directories of paths in a folder, relative to it.
    fn found(folder: &Path, paths: &[&str]) -> Vec<String> {
        let paths: Vec<_> = paths.iter().map(|path| folder.join(path)).collect();
        let relative = |directory: PathBuf| {
            let relative = directory.strip_prefix(folder).unwrap();
            relative.to_str().unwrap().to_owned()
        };
        let directories = directories(&paths, &FileOptions::default());
        directories.into_iter().map(relative).collect()
    }

    /// A folder whose own path has no link in it.
    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir_in(std::env::temp_dir().canonicalize().unwrap()).unwrap();
        for file in files {
            let file = folder.path().join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, "a 1\n").unwrap();
        }
        folder
    }

    #[test]
    fn files_and_directories_are_read_where_they_stand() {
        let folder = folder(&["a/m.prom", "b/m.prom", "b/c/m.prom", "b/other"]);
        let cases: [(&[&str], &[&str]); 7] = [
            (&["a/m.prom"], &["a"]),
            (&["a", "b"], &["a", "b"]),
            (&["a/absent.prom"], &["a"]),
            (&["absent/m.prom"], &["absent"]),
            (&["b/*.prom"], &["b"]),
            // All of what may match, and where it does.
            (&["*/m.prom"], &["", "a", "b"]),
            (&["absent/*/m.prom"], &["absent"]),
        ];
        for (paths, expected) in cases {
            assert_eq!(found(folder.path(), paths), expected, "{paths:?}");
        }
    }

    #[test]
    fn links_are_followed_one_by_one_to_where_they_would_lead() {
        let folder = folder(&["releases/1/public/m.prom", "far/away.prom", "near/m.prom"]);
        let link = |target: &str, name: &str| symlink(target, folder.path().join(name)).unwrap();
        link("releases/1", "current");
        link("../far/away.prom", "near/away.prom");
        link("../current/public/m.prom", "near/chain.prom");
        link("nowhere/yet", "dangling");
        link("circle", "circle");
        let cases: [(&[&str], &[&str]); 4] = [
            // The release by itself, since the link will lead to the next one.
            (
                &["current/public/m.prom"],
                &["current/public", "releases/1", "releases/1/public"],
            ),
            // The files in a directory are links as well.
            (
                &["near"],
                &[
                    "far",
                    "near",
                    "near/../current/public",
                    "near/../far",
                    "near/../releases/1",
                    "near/../releases/1/public",
                    "releases/1/public",
                ],
            ),
            (
                &["dangling/m.prom"],
                &["dangling", "nowhere", "nowhere/yet"],
            ),
            (&["circle/m.prom"], &["", "circle"]),
        ];
        for (paths, expected) in cases {
            assert_eq!(found(folder.path(), paths), expected, "{paths:?}");
        }
    }
}
