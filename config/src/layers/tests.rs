//! Drop-ins and the main file, in real directories.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cost_test;
mod external_test;
mod left_out_test;

use super::*;
use std::os::unix::fs::symlink;
use tempfile::TempDir;

/// Three directories of drop-ins and a main file, all empty.
struct Host {
    folder: TempDir,
    layers: Layers,
}

impl Host {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let directories = ["lib", "run", "etc"].map(at);
        for directory in &directories {
            fs::create_dir(directory).unwrap();
        }
        let layers = Layers {
            file: at("config.toml"),
            presence: Presence::Optional,
            drop_ins: directories.to_vec(),
            drop_ins_presence: Presence::Optional,
            environment: Environment::new(),
            flags: Flags::default(),
        };
        Self { folder, layers }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        fs::write(self.at(path), text).unwrap();
    }

    /// A selector of kind `uds` by a name and a path.
    fn selector(&self, path: &str, name: &str, socket: &str) {
        let text = format!("[bridge.selectors.{name}]\nkind = \"uds\"\npath = \"{socket}\"\n");
        self.write(path, &text);
    }

    fn load(&self) -> Loaded {
        self.layers.load().unwrap()
    }

    /// The selectors as `name=socket`, in their order.
    fn sockets(&self) -> Vec<String> {
        let loaded = self.load();
        let shown = |selector: &crate::Selector| match &selector.source {
            crate::Source::Uds(uds) => format!("{}={}", selector.name, uds.path.display()),
            other => format!("{}: {}", selector.name, other.kind()),
        };
        loaded.settings.selectors.iter().map(shown).collect()
    }

    /// The warnings, with `~` for the folder.
    fn warnings(&self) -> Vec<String> {
        let folder = self.folder.path().to_str().unwrap().to_owned();
        let warnings = self.load().warnings;
        let shown = |error: &ConfigError| error.to_string().replace(&folder, "~");
        warnings.iter().map(shown).collect()
    }
}

#[test]
fn a_configuration_needs_no_file() {
    let mut host = Host::new();
    host.layers.drop_ins.push(host.at("absent"));
    let loaded = host.load();
    assert_eq!(loaded.settings.selectors, []);
    assert_eq!(loaded.files, [] as [PathBuf; 0]);
    host.layers.presence = Presence::Required;
    let errors = host.layers.load().unwrap_err().to_string();
    assert!(errors.contains("config.toml: No such file"), "{errors}");
}

#[test]
fn drop_ins_are_read_in_the_order_of_their_names_before_the_main_file() {
    let host = Host::new();
    host.selector("etc/b.toml", "b", "/b");
    host.selector("lib/c.toml", "c", "/c");
    host.selector("run/a.toml", "a", "/a");
    host.selector("config.toml", "main", "/main");
    assert_eq!(host.sockets(), ["a=/a", "b=/b", "c=/c", "main=/main"]);
    let read = ["run/a.toml", "etc/b.toml", "lib/c.toml", "config.toml"];
    assert_eq!(host.load().files, read.map(|path| host.at(path)));
    let paths: Vec<_> = host.layers.paths().collect();
    let expected = ["config.toml", "lib", "run", "etc"].map(|path| host.at(path));
    assert_eq!(paths, expected);
}

#[test]
fn of_files_with_the_same_name_the_one_in_the_last_directory_is_used() {
    let host = Host::new();
    host.selector("lib/a.toml", "old", "/lib");
    host.selector("run/a.toml", "a", "/run");
    assert_eq!(host.sockets(), ["a=/run"]);
    host.selector("etc/a.toml", "a", "/etc");
    assert_eq!(host.sockets(), ["a=/etc"]);
}

#[test]
fn a_link_to_dev_null_masks_and_so_does_an_empty_file() {
    let mut host = Host::new();
    host.selector("lib/a.toml", "a", "/a");
    host.selector("lib/b.toml", "b", "/b");
    symlink("/dev/null", host.at("etc/a.toml")).unwrap();
    assert_eq!(host.sockets(), ["b=/b"]);
    host.write("run/b.toml", "");
    assert_eq!(host.sockets(), [] as [&str; 0]);
    assert_eq!(host.warnings(), [] as [&str; 0]);
    // A directory can be masked, too.
    fs::remove_file(host.at("etc/a.toml")).unwrap();
    assert_eq!(host.sockets(), ["a=/a"]);
    host.layers.drop_ins = vec!["/dev/null".into()];
    assert_eq!(host.sockets(), [] as [&str; 0]);
}

#[test]
fn files_with_other_names_are_ignored() {
    let host = Host::new();
    for name in [".a.toml", "a.toml.dpkg-new", "a.toml~", "a.conf", "README"] {
        host.write(&format!("etc/{name}"), "not TOML");
    }
    assert_eq!(host.sockets(), [] as [&str; 0]);
    assert_eq!(host.warnings(), [] as [&str; 0]);
}

#[test]
fn links_are_followed() {
    let host = Host::new();
    host.selector("elsewhere", "a", "/a");
    symlink(host.at("elsewhere"), host.at("etc/a.toml")).unwrap();
    assert_eq!(host.sockets(), ["a=/a"]);
}

#[test]
fn a_selector_belongs_to_the_last_file_that_has_it() {
    let host = Host::new();
    host.write(
        "lib/a.toml",
        "[bridge.selectors.x]\nkind = \"file\"\npath = \"/f\"\npattern = \"*.a\"\n",
    );
    host.selector("lib/b.toml", "x", "/b");
    // Merged key by key, the table of a socket would have a pattern.
    assert_eq!(host.sockets(), ["x=/b"]);
    host.selector("config.toml", "x", "/main");
    assert_eq!(host.sockets(), ["x=/main"]);
    // A variable changes one key of it.
    let mut host = host;
    let name = "LOCAL_EXPORTER__BRIDGE__SELECTORS__X__PATH".to_owned();
    host.layers.environment.insert(name, "/environment".into());
    assert_eq!(host.sockets(), ["x=/environment"]);
}

#[test]
fn a_replaced_selector_causes_no_error() {
    let host = Host::new();
    host.write(
        "lib/a.toml",
        "[bridge.selectors.x]\nkind = \"usd\"\npath = \"rel\"\ncolour = 1\n",
    );
    host.write("config.toml", "\n\n[bridge.selectors.x]\nkind = \"uds\"\n");
    let errors = host.layers.load().unwrap_err().to_string();
    assert!(
        errors.contains("config.toml:3:19: bridge.selectors.x.path: missing"),
        "{errors}"
    );
    assert_eq!(errors.lines().count(), 1, "{errors}");
}

#[test]
fn a_directory_that_cannot_be_listed_is_an_error() {
    let mut host = Host::new();
    host.write("file", "");
    host.layers.drop_ins.push(host.at("file"));
    let errors = host.layers.load().unwrap_err().to_string();
    let expected = "/file: cannot be listed: Not a directory (os error 20)";
    assert!(errors.ends_with(expected), "{errors}");
}

#[test]
fn the_text_contains_every_value_and_loads_as_the_same_settings() {
    let mut host = Host::new();
    let everything = include_str!("../../testdata/good-everything.toml");
    host.write("config.toml", everything);
    host.selector("lib/a.toml", "dropped", "/dropped");
    let name = "LOCAL_EXPORTER__SERVICE__MAX_IN_FLIGHT".to_owned();
    host.layers.environment.insert(name, "9".into());
    let first = host.load();
    for expected in [
        "max_in_flight = 9",
        "[bridge.selectors.dropped]",
        "strict_files = true",
    ] {
        assert!(
            first.text.contains(expected),
            "{expected} is not in\n{}",
            first.text
        );
    }
    let again = Host::new();
    again.write("config.toml", &first.text);
    let again = again.load();
    // TOML requires selectors that are strings before those that are tables.
    let sorted = |mut settings: Settings| {
        settings.selectors.sort_by(|a, b| a.name.cmp(&b.name));
        settings
    };
    assert_eq!(sorted(again.settings), sorted(first.settings));
    assert_eq!((&again.text, &again.hash), (&first.text, &first.hash));
}

#[test]
fn the_hash_depends_on_the_values_only() {
    let host = Host::new();
    host.selector("config.toml", "a", "/a");
    let first = host.load();
    assert_eq!(first.hash.len(), 64);
    assert_eq!(host.load().hash, first.hash);
    host.write(
        "config.toml",
        "# the same\n[bridge.selectors]\na = { path = \"/b\", kind = \"uds\" }",
    );
    let other = host.load();
    assert_ne!(other.hash, first.hash);
    // The file does not matter.
    host.selector("etc/a.toml", "a", "/a");
    host.write("config.toml", "# empty");
    assert_eq!(host.load().hash, first.hash);
    assert_eq!(host.load().text, first.text);
}

#[test]
fn directories_that_the_user_named_must_exist() {
    let mut host = Host::new();
    host.layers.drop_ins.push(host.at("typo"));
    host.layers.drop_ins_presence = Presence::Required;
    let errors = host.layers.load().unwrap_err().to_string();
    let expected = "/typo: cannot be listed: No such file or directory (os error 2)";
    assert!(errors.ends_with(expected), "{errors}");
    host.layers.drop_ins_presence = Presence::Optional;
    assert!(host.layers.load().is_ok());
}
