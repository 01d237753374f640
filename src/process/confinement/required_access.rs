//! Determines the access that a configuration requires: selectors in, paths and ports out.
//!
//! Reads directories and symbolic links, since a Landlock rule is tied to an existing inode.

use super::stable_ancestor::{DirectoryKind, is_too_broad, stable_ancestor};
use crate::http::access;
use local_exporter_actors::source::{self, Sockets};
use local_exporter_config::{
    Layers, Listen, Listeners, Loaded, PathAccess, Settings, Source, mount_point, shown,
};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The directory of runtime data (Filesystem Hierarchy Standard, 3.15).
const RUN: &str = "/run";

/// The access that the process needs after startup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequiredAccess {
    /// The paths to read: directories with everything below them, and single files.
    pub(super) reads: BTreeSet<PathBuf>,
    /// A configured directory that needs access to all files: it is `/`, or no part of its path exists.
    pub(super) unrestricted_for: Option<PathBuf>,
    /// The TCP ports to bind.
    pub(super) ports: BTreeSet<u16>,
    /// The kind of bus sockets to connect to.
    pub(super) sockets: Sockets,
}

impl RequiredAccess {
    /// The access for serving a configuration and for reloading it from `layers`. Each path is accessed
    /// with a deadline.
    #[must_use]
    pub fn of(layers: &Layers, loaded: &Loaded, access: &PathAccess) -> Self {
        let masked = |place: &&Path| *place != Path::new("/dev/null");
        let read = loaded.files.iter().map(PathBuf::as_path);
        let configuration = layers.paths().filter(masked).chain(read);
        Self::for_settings(&loaded.settings, configuration, access)
    }

    /// The access for serving `settings`, whose files are `configuration`.
    pub(super) fn for_settings<'p>(
        settings: &Settings,
        configuration: impl IntoIterator<Item = &'p Path>,
        access: &PathAccess,
    ) -> Self {
        // Runtime directories come and go, and packages add selectors for files in them.
        let mut reads = BTreeSet::from(["/proc".into(), RUN.into()]);
        reads.extend(settings.service.readable.iter().cloned());
        // A backtrace reads symbol names from the program.
        reads.extend(std::env::current_exe());
        // Certificates, tokens and the files that name them are reread when they change.
        let files = configuration.into_iter().map(Path::to_owned);
        for file in files.chain(access::files(settings, access)) {
            let owned = file.clone();
            match access.run(&file, move || parents(&owned).collect::<Vec<_>>()) {
                Ok(parents) => reads.extend(parents),
                Err(error) => reads.extend(around_mount(&file, &error)),
            }
        }
        let mut unrestricted_for = None;
        let mut sockets = Sockets::ByPath;
        for selector in &settings.selectors {
            let paths = source::file_paths(&selector.source);
            let source = selector.source.clone();
            let first = paths.first().map_or(Path::new(""), PathBuf::as_path);
            match access.run(first, move || SourceAccess::of(&source)) {
                Ok(found) => {
                    reads.extend(found.ancestors);
                    unrestricted_for = unrestricted_for.or(found.unrestricted_for);
                    if found.sockets == Sockets::Abstract {
                        sockets = Sockets::Abstract;
                    }
                }
                Err(error) => {
                    reads.extend(paths.iter().flat_map(|path| around_mount(path, &error)));
                }
            }
        }
        Self {
            reads: outermost(reads),
            unrestricted_for,
            ports: ports(&settings.service.listeners),
            sockets,
        }
    }

    /// The paths to read that are not below a path in `granted`.
    #[must_use]
    pub fn missing_from(&self, granted: &Self) -> Vec<PathBuf> {
        let within = |path: &Path| granted.reads.iter().any(|read| path.starts_with(read));
        let reads = self.reads.iter().filter(|path| !within(path));
        reads.cloned().collect()
    }

    /// The paths to read, for the log.
    pub(super) fn listed(&self) -> String {
        let reads = self.reads.iter().map(|path| shown(path).to_string());
        reads.collect::<Vec<_>>().join(", ")
    }
}

/// The access of one source.
struct SourceAccess {
    ancestors: Vec<PathBuf>,
    unrestricted_for: Option<PathBuf>,
    sockets: Sockets,
}

impl SourceAccess {
    /// Blocks for as long as a file system hangs.
    fn of(source: &Source) -> Self {
        let access = source::access(source);
        let ancestor = |directory| stable_ancestor(directory, DirectoryKind::at).to_owned();
        let ancestors: Vec<_> = access
            .directories
            .iter()
            .map(|path| ancestor(path))
            .collect();
        let mut found = access.directories.iter().zip(&ancestors);
        let unrestricted = found.find(|(_, ancestor)| ancestor.as_path() == Path::new("/"));
        Self {
            unrestricted_for: unrestricted.map(|(directory, _)| directory.clone()),
            sockets: access.sockets,
            ancestors,
        }
    }
}

/// The directory that contains the mount point of a file system that does not respond. A rule for it
/// also holds below the mount point, so that the files can be read when the file system responds again.
fn around_mount(path: &Path, error: &std::io::Error) -> Option<PathBuf> {
    tracing::warn!(path = %shown(path), %error, "cannot inspect a configured path");
    let mount = mount_point(path)?;
    match mount.parent() {
        Some(directory) if !is_too_broad(directory) => Some(directory.to_owned()),
        _ => Some(mount),
    }
}

/// The configured ports, except 0: a rule for it would allow any free port.
fn ports(listeners: &Listeners) -> BTreeSet<u16> {
    let Listeners::Configured(listens) = listeners else {
        return BTreeSet::new();
    };
    let port = |listen: &Listen| match listen {
        Listen::Tcp(_, port) => Some(*port).filter(|port| *port != 0),
        Listen::Unix(_) | Listen::Vsock(_) => None,
    };
    listens.iter().filter_map(port).collect()
}

/// The parent directory of a path, since the file may be replaced, and the parent of the file that it
/// resolves to. If a parent is too broad, such as the root, the path itself.
fn parents(file: &Path) -> impl Iterator<Item = PathBuf> {
    let paths = [std::path::absolute(file), std::fs::canonicalize(file)];
    let paths = paths.into_iter().flatten();
    let paths = paths.map(|path| match path.parent() {
        Some(directory) if !is_too_broad(directory) => directory.to_owned(),
        _ => path,
    });
    // There is no inode for a rule otherwise.
    paths.filter(|path| path.exists())
}

/// The paths that are not below another of them.
fn outermost(paths: BTreeSet<PathBuf>) -> BTreeSet<PathBuf> {
    let mut outermost = BTreeSet::<PathBuf>::new();
    // In this order a path is directly followed by all paths below it.
    for path in paths {
        if !outermost.last().is_some_and(|last| path.starts_with(last)) {
            outermost.insert(path);
        }
    }
    outermost
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;
    use local_exporter_config::{Environment, Input, load};

    fn needs(text: &str, configuration: &Path) -> RequiredAccess {
        let input = Input {
            name: "test".into(),
            text: text.into(),
        };
        let settings = load(Some(&input), &Environment::new()).unwrap();
        RequiredAccess::for_settings(&settings, [configuration], &PathAccess::default())
    }

    /// A directory beside the program, usually on persistent storage; its path has no symbolic link.
    fn folder() -> tempfile::TempDir {
        let program = std::env::current_exe().unwrap().canonicalize().unwrap();
        tempfile::tempdir_in(program.parent().unwrap()).unwrap()
    }

    /// These paths, and those that every process needs.
    fn needed<const N: usize>(paths: [&Path; N]) -> BTreeSet<PathBuf> {
        let program = std::env::current_exe().unwrap();
        let always = [Path::new("/proc"), Path::new(RUN), &program];
        outermost(
            paths
                .into_iter()
                .chain(always)
                .map(Path::to_owned)
                .collect(),
        )
    }

    #[test]
    fn sockets_and_buses_need_no_files() {
        let etc = tempfile::tempdir().unwrap();
        let text = "[service]\nport = 9000\n[bridge.selectors]\n\
                    socket = { kind = \"uds\", path = \"/srv/a/sock\" }\n\
                    bus = { kind = \"dbus\", bus = \"unix:path=/run/bus\", destination = \"a.b\", \
                    method = \"a.b.C\", path = \"/\" }\n";
        let expected = RequiredAccess {
            reads: needed([etc.path()]),
            unrestricted_for: None,
            ports: BTreeSet::from([9000]),
            sockets: Sockets::ByPath,
        };
        assert_eq!(needs(text, &etc.path().join("config.toml")), expected);
    }

    #[test]
    fn an_abstract_address_keeps_abstract_sockets_in_reach() {
        let text = "[bridge.selectors]\n\
                    socket = { kind = \"uds\", path = \"/srv/a/sock\" }\n\
                    bus = { kind = \"dbus\", bus = \"unix:abstract=/tmp/bus\", destination = \"a.b\", \
                    method = \"a.b.C\", path = \"/\" }\n\
                    directory = \"/run/a\"\n";
        let needs = needs(text, Path::new("/absent/config.toml"));
        assert_eq!(needs.sockets, Sockets::Abstract);
    }

    #[test]
    fn files_require_the_nearest_directories_that_are_not_replaced() {
        let (one, other, etc) = (folder(), folder(), folder());
        std::fs::create_dir_all(one.path().join("a")).unwrap();
        std::fs::create_dir_all(other.path().join("b/c")).unwrap();
        std::fs::write(other.path().join("b/c/m.prom"), "a 1\n").unwrap();
        let target = other.path().join("b/c/m.prom");
        std::os::unix::fs::symlink(target, one.path().join("a/m.prom")).unwrap();
        let text = format!(
            "[bridge.selectors]\nfile = {{ kind = \"file\", path = \"{}/a/m.prom\" }}\n",
            one.path().display(),
        );
        let ancestor = |directory| stable_ancestor(directory, DirectoryKind::at);
        let expected = needed([
            etc.path(),
            ancestor(&one.path().join("a")),
            ancestor(&other.path().join("b/c")),
        ]);
        assert_eq!(
            needs(&text, &etc.path().join("config.toml")).reads,
            expected
        );
    }

    #[test]
    fn a_directory_that_may_come_anywhere_is_named() {
        let text = "[bridge.selectors]\nhere = \"/proc\"\nnowhere = \"/no/where/at-all\"\n";
        let needs = needs(text, Path::new("/absent/config.toml"));
        assert_eq!(needs.reads, BTreeSet::from(["/".into()]));
        assert_eq!(needs.unrestricted_for, Some("/no/where".into()));
    }

    #[test]
    fn the_configuration_is_read_in_its_directory_and_in_that_of_a_link_target() {
        let (etc, store) = (folder(), folder());
        std::fs::write(store.path().join("config.toml"), "").unwrap();
        let link = etc.path().join("config.toml");
        std::os::unix::fs::symlink(store.path().join("config.toml"), &link).unwrap();
        assert_eq!(needs("", &link).reads, needed([etc.path(), store.path()]));
        // Neither a file in the root directory nor an absent one grants access to all files.
        assert_eq!(needs("", Path::new("/config.toml")).reads, needed([]));
        assert_eq!(
            needs("", Path::new("/absent/config.toml")).reads,
            needed([])
        );
    }

    #[test]
    fn a_path_added_later_is_reported_as_not_granted() {
        let mut granted = needs("", Path::new("/absent/config.toml"));
        granted.reads = BTreeSet::from(["/srv/a".into(), "/proc".into()]);
        assert!(granted.missing_from(&granted).is_empty());
        let mut later = granted.clone();
        let more = ["/srv/a/below", "/srv/ab", "/srv/b"];
        later.reads.extend(more.map(PathBuf::from));
        assert_eq!(
            later.missing_from(&granted),
            [Path::new("/srv/ab"), Path::new("/srv/b")]
        );
    }

    #[test]
    fn a_path_below_another_one_is_left_out() {
        let paths = ["/a", "/a-b", "/a/b", "/a/b/c", "/b/c", "/b/d"];
        let kept = ["/a", "/a-b", "/b/c", "/b/d"];
        let set = |paths: &[&str]| paths.iter().map(PathBuf::from).collect::<BTreeSet<_>>();
        assert_eq!(outermost(set(&paths)), set(&kept));
        assert_eq!(outermost(set(&["/", "/a", "/b/c"])), set(&["/"]));
    }
}
