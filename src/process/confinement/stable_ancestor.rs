//! Chooses the directory for a Landlock rule so that the rule survives restarts of daemons.
//!
//! A rule is tied to an existing directory, not to a path. Daemons recreate their directories: systemd
//! removes a `RuntimeDirectory=` at each stop and creates it at the next start, and a rule for the
//! old directory does not apply to the new one. So a rule for reading a directory is tied to
//!
//! - its parent, so that the directory may be replaced;
//! - the topmost volatile directory, below `/run` and `/tmp` and on any file system in memory, wherever
//!   it is mounted: `/run` for `/run/daemon1/public`, `/host/run` for `/host/run/daemon1/public`;
//! - the nearest existing ancestor, while the directory does not exist.
//!
//! It is never `/` or `/dev`, unless the directory is one of them, or is directly below and does not
//! exist.

use local_exporter_actors::host::filesystem::is_in_memory;
use std::path::Path;

/// Directories whose contents are volatile on any file system (Filesystem Hierarchy Standard).
const VOLATILE: [&str; 4] = ["/run", "/var/run", "/tmp", "/var/tmp"];
/// Directories that are too broad for a rule for one directory below them.
const TOO_BROAD: [&str; 2] = ["/", "/dev"];

/// The kind of directory at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DirectoryKind {
    /// No directory, or one that is not accessible.
    Missing,
    /// A directory that may be removed and created at runtime.
    Volatile,
    /// A directory on persistent storage.
    Persistent,
}

impl DirectoryKind {
    /// The kind of directory at a path of this host.
    pub(super) fn at(path: &Path) -> Self {
        if !path.is_dir() {
            return Self::Missing;
        }
        let by_name = VOLATILE.iter().any(|passing| path.starts_with(passing));
        if by_name || is_in_memory(path) {
            Self::Volatile
        } else {
            Self::Persistent
        }
    }
}

/// Whether a directory is too broad for a rule for one file or directory in it.
pub(super) fn is_too_broad(directory: &Path) -> bool {
    TOO_BROAD
        .iter()
        .any(|too_broad| directory == Path::new(too_broad))
}

/// The ancestor of `directory`, an absolute path, for a rule; `kind` returns the kind of a path.
pub(super) fn stable_ancestor(directory: &Path, kind: impl Fn(&Path) -> DirectoryKind) -> &Path {
    let given = |path: &&Path| !is_too_broad(path);
    let above = directory.parent().filter(given).unwrap_or(directory);
    let mut ancestors = above.ancestors();
    let there = |path: &&Path| kind(path) != DirectoryKind::Missing;
    let Some(nearest) = ancestors.find(there) else {
        return Path::new("/");
    };
    if kind(nearest) == DirectoryKind::Persistent {
        return nearest;
    }
    let passing = ancestors.take_while(|path| given(path) && kind(path) == DirectoryKind::Volatile);
    passing.last().unwrap_or(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A host on which `/run` (and `/host/run`, in a container) and a user's runtime directory are in
    /// memory.
    fn kind(path: &Path) -> DirectoryKind {
        match path.to_str().unwrap() {
            "/" | "/data" | "/host" | "/srv" | "/srv/app" | "/srv/app/public" | "/var"
            | "/var/lib" => DirectoryKind::Persistent,
            "/dev"
            | "/dev/shm"
            | "/dev/shm/a"
            | "/host/run"
            | "/host/run/daemon1"
            | "/host/run/daemon1/public"
            | "/run"
            | "/run/user"
            | "/run/user/1000"
            | "/run/user/1000/daemon1"
            | "/var/run" => DirectoryKind::Volatile,
            _ => DirectoryKind::Missing,
        }
    }

    #[test]
    fn a_rule_is_tied_to_the_stable_ancestor_of_the_directory() {
        let cases = [
            // The parent, so that the directory may be replaced.
            ("/srv/app/public", "/srv/app"),
            // A directory in the root is used itself.
            ("/srv", "/srv"),
            ("/data", "/data"),
            // An absent directory will be created below the nearest existing one.
            ("/srv/other/public", "/srv"),
            ("/var/lib/daemon1", "/var/lib"),
            ("/metrics", "/"),
            ("/metrics/public", "/"),
            ("/", "/"),
            // In memory: up to the topmost directory, across mounts, which are volatile too.
            ("/run", "/run"),
            ("/run/daemon1/public", "/run"),
            ("/run/user/1000/daemon1", "/run"),
            ("/var/run/daemon1/public", "/var/run"),
            ("/host/run/daemon1/public", "/host/run"),
            ("/host/run", "/host"),
            // But never all of /dev.
            ("/dev/shm/a", "/dev/shm"),
            ("/dev/shm", "/dev/shm"),
        ];
        for (directory, expected) in cases {
            let found = stable_ancestor(Path::new(directory), kind);
            assert_eq!(found, Path::new(expected), "{directory}");
        }
    }

    #[test]
    fn volatile_directories_are_known_by_name_and_by_file_system() {
        assert_eq!(
            DirectoryKind::at(Path::new("/tmp")),
            DirectoryKind::Volatile
        );
        assert_eq!(
            DirectoryKind::at(Path::new("/proc/self")),
            DirectoryKind::Persistent
        );
        assert_eq!(
            DirectoryKind::at(Path::new("/proc/version")),
            DirectoryKind::Missing
        );
        assert_eq!(
            DirectoryKind::at(Path::new("/nowhere")),
            DirectoryKind::Missing
        );
        // It is not in memory on every host.
        if Path::new("/dev/shm").is_dir() {
            let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
            let in_memory = mounts
                .lines()
                .any(|mount| mount.contains(" /dev/shm tmpfs "));
            assert_eq!(
                DirectoryKind::at(Path::new("/dev/shm")) == DirectoryKind::Volatile,
                in_memory
            );
        }
    }
}
