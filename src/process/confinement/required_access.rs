//! What a configuration makes the process need: selectors in, paths and ports out.
//!
//! Looks at directories and links, since a permission is tied to what they are
//! now. Changes nothing.

use super::stable_ancestor::{DirectoryKind, is_too_broad, stable_ancestor};
use crate::http::access;
use local_exporter_actors::source::{self, Sockets};
use local_exporter_config::{Layers, Listen, Listeners, Loaded, Settings};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What the process goes on needing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequiredAccess {
    /// What is read: directories with all that is below them, and single files.
    pub(super) reads: BTreeSet<PathBuf>,
    /// The directory that makes everything be read: it is `/`, or nothing of its path is there yet.
    pub(super) unrestricted_for: Option<PathBuf>,
    /// The TCP ports to bind again.
    pub(super) ports: BTreeSet<u16>,
    /// Which sockets of buses are connected to.
    pub(super) sockets: Sockets,
}

impl RequiredAccess {
    /// What serving what was loaded takes, and loading it again.
    #[must_use]
    pub fn of(layers: &Layers, loaded: &Loaded) -> Self {
        let masked = |place: &&Path| *place != Path::new("/dev/null");
        let read = loaded.files.iter().map(PathBuf::as_path);
        let configuration = layers.paths().filter(masked).chain(read);
        Self::for_settings(&loaded.settings, configuration)
    }

    /// What serving this takes, with the places that say it, which may be read again.
    pub(super) fn for_settings<'p>(
        settings: &Settings,
        configuration: impl IntoIterator<Item = &'p Path>,
    ) -> Self {
        let mut reads = BTreeSet::from(["/proc".into()]);
        // The names in a backtrace are in the program itself.
        reads.extend(std::env::current_exe());
        reads.extend(configuration.into_iter().flat_map(around));
        // Certificates, tokens and what names them are read again when they change.
        reads.extend(access::files(settings).iter().flat_map(|file| around(file)));
        let mut unrestricted_for = None;
        let mut sockets = Sockets::ByPath;
        for selector in &settings.selectors {
            let access = source::access(&selector.source);
            for directory in &access.directories {
                let ancestor = stable_ancestor(directory, DirectoryKind::at);
                if ancestor == Path::new("/") {
                    unrestricted_for.get_or_insert_with(|| directory.clone());
                }
                reads.insert(ancestor.to_owned());
            }
            if access.sockets == Sockets::Abstract {
                sockets = Sockets::Abstract;
            }
        }
        Self {
            reads: outermost(reads),
            unrestricted_for,
            ports: ports(&settings.service.listeners),
            sockets,
        }
    }

    /// What of it is not within `granted`.
    #[must_use]
    pub fn missing_from(&self, granted: &Self) -> Vec<PathBuf> {
        let within = |path: &Path| granted.reads.iter().any(|read| path.starts_with(read));
        let reads = self.reads.iter().filter(|path| !within(path));
        reads.cloned().collect()
    }

    /// What is read, for the log.
    pub(super) fn listed(&self) -> String {
        let reads = self.reads.iter().map(|path| path.to_string_lossy());
        reads.collect::<Vec<_>>().join(", ")
    }
}

/// Those that are bound by number: a rule for 0 would mean any free one.
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

/// The directory that a file or a directory is in, since it may be replaced, and that of what a
/// link leads to. Where that would be too much, such as the root, only itself.
fn around(file: &Path) -> impl Iterator<Item = PathBuf> {
    let ways = [std::path::absolute(file), std::fs::canonicalize(file)];
    let ways = ways.into_iter().flatten();
    let ways = ways.map(|way| match way.parent() {
        Some(directory) if !is_too_broad(directory) => directory.to_owned(),
        _ => way,
    });
    // What comes later cannot be allowed now.
    ways.filter(|way| way.exists())
}

/// The paths that are not below others of them.
fn outermost(paths: BTreeSet<PathBuf>) -> BTreeSet<PathBuf> {
    let mut outermost = BTreeSet::<PathBuf>::new();
    // A path stands before all that is below it, and these right behind it.
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
        RequiredAccess::for_settings(&settings, [configuration])
    }

    /// A folder beside the program, which is usually where files last; its path has no link in it.
    fn folder() -> tempfile::TempDir {
        let program = std::env::current_exe().unwrap().canonicalize().unwrap();
        tempfile::tempdir_in(program.parent().unwrap()).unwrap()
    }

    /// These paths, and what every process needs.
    fn needed<const N: usize>(paths: [&Path; N]) -> BTreeSet<PathBuf> {
        let program = std::env::current_exe().unwrap();
        let always = [Path::new("/proc"), &program];
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
    fn files_need_what_outlives_the_directories_they_are_in() {
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
    fn the_own_configuration_is_read_in_its_directory_and_where_a_link_leads() {
        let (etc, store) = (folder(), folder());
        std::fs::write(store.path().join("config.toml"), "").unwrap();
        let link = etc.path().join("config.toml");
        std::os::unix::fs::symlink(store.path().join("config.toml"), &link).unwrap();
        assert_eq!(needs("", &link).reads, needed([etc.path(), store.path()]));
        // A file at the root does not give away everything, nor does one that is not there.
        assert_eq!(needs("", Path::new("/config.toml")).reads, needed([]));
        assert_eq!(
            needs("", Path::new("/absent/config.toml")).reads,
            needed([])
        );
    }

    #[test]
    fn what_comes_later_is_beyond_what_was_granted() {
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
    fn what_is_below_another_path_is_not_named_again() {
        let paths = ["/a", "/a-b", "/a/b", "/a/b/c", "/b/c", "/b/d"];
        let kept = ["/a", "/a-b", "/b/c", "/b/d"];
        let set = |paths: &[&str]| paths.iter().map(PathBuf::from).collect::<BTreeSet<_>>();
        assert_eq!(outermost(set(&paths)), set(&kept));
        assert_eq!(outermost(set(&["/", "/a", "/b/c"])), set(&["/"]));
    }
}
