//! The paths that a source of files accesses: for the sandbox, and for the diagnosis.
//!
//! Links are followed as they are now, one at a time. Every intermediate path
//! counts, since any link may later be replaced. Blocks, and opens no file.

use super::expand::expand;
use super::origin::{FileState, Origin};
use crate::host::path_walk;
use crate::source::kind::RequiredPath;
use crate::source::watch::pattern::{Patterns, is_pattern, split};
use local_exporter_config::FileOptions;
use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

/// The directories of the files that `paths` lead to. Neither the files nor the directories have
/// to exist.
pub(super) fn directories(paths: &[PathBuf], options: &FileOptions) -> BTreeSet<PathBuf> {
    let patterns = Patterns::new(&options.patterns);
    let files = expand(paths, &patterns, options.follow_links)
        .files
        .into_iter();
    let files = files.filter(|file| !matches!(file.state, FileState::Foreign(_)));
    let configured = paths.iter().map(|path| until_wildcard(path));
    let variants = configured
        .chain(files.map(|file| file.path))
        .flat_map(|path| variants(&path));
    let directories = variants.map(|path| match path.parent() {
        Some(parent) if !path.is_dir() => parent.to_owned(),
        _ => path,
    });
    directories.collect()
}

/// Each configured path, and the files that it leads to now.
pub(super) fn required_paths(paths: &[PathBuf], options: &FileOptions) -> Vec<RequiredPath> {
    let patterns = Patterns::new(&options.patterns);
    let mut required = Vec::new();
    for path in paths {
        let expansion = expand(std::slice::from_ref(path), &patterns, options.follow_links);
        if path.to_str().is_some_and(is_pattern) {
            required.push(RequiredPath::Directory(split(path).0));
        } else if path.is_dir() {
            required.push(RequiredPath::Directory(path.clone()));
        } else {
            required.push(RequiredPath::File(path.clone()));
            continue;
        }
        if expansion.files.is_empty() {
            let other = expansion.passed_over.first().cloned();
            required.push(RequiredPath::Unmatched(path.clone(), other));
        }
        let files = expansion.files.into_iter();
        required.extend(files.map(|file| match file.origin {
            Origin::Configured => RequiredPath::File(file.path),
            Origin::Found(directory) => RequiredPath::Found(directory, file.path),
        }));
    }
    required
}

/// A path up to and including its first component with a wildcard: its parent is the directory
/// that is listed.
fn until_wildcard(path: &Path) -> PathBuf {
    if !path.to_str().is_some_and(is_pattern) {
        return path.to_owned();
    }
    let (base, rest) = split(path);
    rest.first().map_or(base.clone(), |first| base.join(first))
}

/// A path as it is configured, and with each of its links replaced in turn by its destination.
fn variants(path: &Path) -> Vec<PathBuf> {
    let mut variants = vec![path.to_owned()];
    for link in path_walk::walk(path).links {
        // The link may later lead to a sibling of its destination, such as the next release. Links
        // in `/` belong to the system.
        if link.directory != Path::new("/") {
            variants.push(link.destination());
        }
        variants.push(link.replaced());
    }
    // After the last link, `..` removes one component.
    let last = variants.last().map(|path| without_parents(path));
    variants.extend(last);
    variants
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
    fn files_are_read_in_their_directories() {
        let folder = folder(&["a/m.prom", "b/m.prom", "b/c/m.prom", "b/other"]);
        let cases: [(&[&str], &[&str]); 7] = [
            (&["a/m.prom"], &["a"]),
            (&["a", "b"], &["a", "b"]),
            (&["a/absent.prom"], &["a"]),
            (&["absent/m.prom"], &["absent"]),
            (&["b/*.prom"], &["b"]),
            // Every directory that may match, and those that do.
            (&["*/m.prom"], &["", "a", "b"]),
            (&["absent/*/m.prom"], &["absent"]),
        ];
        for (paths, expected) in cases {
            assert_eq!(found(folder.path(), paths), expected, "{paths:?}");
        }
    }

    #[test]
    fn links_are_followed_one_by_one_even_if_they_dangle() {
        let folder = folder(&["releases/1/public/m.prom", "far/away.prom", "near/m.prom"]);
        let link = |target: &str, name: &str| symlink(target, folder.path().join(name)).unwrap();
        link("releases/1", "current");
        link("../far/away.prom", "near/away.prom");
        link("../current/public/m.prom", "near/chain.prom");
        link("nowhere/yet", "dangling");
        link("circle", "circle");
        let cases: [(&[&str], &[&str]); 4] = [
            // The release itself, since the link will lead to the next one.
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
                    "releases/1",
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
