//! Which directory a permission must be tied to so that it outlives what daemons do.
//!
//! A rule of Landlock is tied to a directory that exists, not to a name. Daemons
//! make their directories anew: systemd removes a `RuntimeDirectory=` at each
//! stop and makes another at the next start, and a rule on the old one would be
//! a rule on nothing. So a permission to read in a directory goes
//!
//! - to its parent, so that the directory itself may be replaced;
//! - where files do not last (below `/run` and `/tmp`, and on any file system in
//!   memory, under whatever name it is mounted), to the topmost such directory:
//!   `/run` for `/run/daemon1/public`, `/host/run` for `/host/run/daemon1/public`;
//! - to the nearest ancestor that is there, while the directory is not.
//!
//! Never to `/` or `/dev`, unless the directory stands right there and is still
//! missing, or is one of them.

use local_exporter_actors::host::filesystem::is_in_memory;
use std::path::Path;

/// Where daemons' directories come and go, whatever file system that is (Filesystem Hierarchy Standard).
const VOLATILE: [&str; 4] = ["/run", "/var/run", "/tmp", "/var/tmp"];
/// What is given for its own sake only, not for that of one directory in it.
const TOO_BROAD: [&str; 2] = ["/", "/dev"];

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DirectoryKind {
    /// No directory, or none that can be seen.
    Missing,
    /// A directory among others that come and go.
    Volatile,
    /// A directory that stays until somebody takes it away.
    Persistent,
}

impl DirectoryKind {
    /// What stands at a path of this host.
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

/// Whether a directory is not to be given for the sake of one file or directory in it.
pub(super) fn is_too_broad(directory: &Path) -> bool {
    TOO_BROAD
        .iter()
        .any(|too_broad| directory == Path::new(too_broad))
}

/// The directory that stable_ancestor `directory`, which is absolute, by what stands where.
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

    /// A host on which `/run` (and `/host/run`, as a container sees it) and a user's
    /// runtime directory are in memory.
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
    fn a_permission_is_tied_to_what_outlives_the_directory() {
        let cases = [
            // The parent, so that the directory may be replaced.
            ("/srv/app/public", "/srv/app"),
            // What stands right at the root is given by itself.
            ("/srv", "/srv"),
            ("/data", "/data"),
            // What is not there yet comes below what is.
            ("/srv/other/public", "/srv"),
            ("/var/lib/daemon1", "/var/lib"),
            ("/metrics", "/"),
            ("/metrics/public", "/"),
            ("/", "/"),
            // In memory the whole way up, over mounts, which come and go with their users.
            ("/run", "/run"),
            ("/run/daemon1/public", "/run"),
            ("/run/user/1000/daemon1", "/run"),
            ("/var/run/daemon1/public", "/var/run"),
            ("/host/run/daemon1/public", "/host/run"),
            ("/host/run", "/host"),
            // But not all devices for the sake of some files.
            ("/dev/shm/a", "/dev/shm"),
            ("/dev/shm", "/dev/shm"),
        ];
        for (directory, expected) in cases {
            let found = stable_ancestor(Path::new(directory), kind);
            assert_eq!(found, Path::new(expected), "{directory}");
        }
    }

    #[test]
    fn what_passes_is_known_by_name_and_by_file_system() {
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
        // Not everywhere is it in memory.
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
