//! Real directories, files and links.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use super::*;
use crate::flags::{Flag, FlagValue};
use crate::service::DropIns;
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

    /// What was left out and why, with `~` for the folder.
    fn warnings(&self) -> Vec<String> {
        let folder = self.folder.path().to_str().unwrap().to_owned();
        let warnings = self.load().warnings;
        let shown = |error: &ConfigError| error.to_string().replace(&folder, "~");
        warnings.iter().map(shown).collect()
    }
}

#[test]
fn nothing_at_all_is_a_configuration() {
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
fn drop_ins_come_by_file_name_and_before_the_main_file() {
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
fn of_files_with_one_name_the_last_directory_counts() {
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
    // A directory can be masked as well.
    fs::remove_file(host.at("etc/a.toml")).unwrap();
    assert_eq!(host.sockets(), ["a=/a"]);
    host.layers.drop_ins = vec!["/dev/null".into()];
    assert_eq!(host.sockets(), [] as [&str; 0]);
}

#[test]
fn other_names_are_nobodys() {
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
    // Merged key by key there would be a pattern in a socket's table.
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
fn a_replaced_selector_is_not_to_blame() {
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
fn a_wrong_drop_in_is_left_out_and_named_and_the_others_stay() {
    let host = Host::new();
    host.selector("lib/good.toml", "good", "/good");
    host.write("lib/syntax.toml", "[bridge.selectors.s]\nkind = ");
    host.write(
        "run/value.toml",
        "[bridge.selectors.fine]\nkind = \"uds\"\npath = \"/fine\"\n\
         [bridge.selectors.v]\nkind = \"uds\"\npath = \"rel\"\n",
    );
    host.write(
        "etc/service.toml",
        "[service]\nport = 1\n[bridge.defaults]\ntimeout = \"1s\"\n[bridge.selectors]\na = \"/a\"\n",
    );
    host.write("etc/whole.toml", "bridge = 1\n");
    fs::create_dir(host.at("etc/directory.toml")).unwrap();
    symlink("/nowhere/at-all", host.at("etc/dangling.toml")).unwrap();
    fs::write(host.at("etc/latin.toml"), [b'#', 0xe9]).unwrap();
    host.selector("config.toml", "main", "/main");
    assert_eq!(host.sockets(), ["good=/good", "main=/main"]);
    let only = "expected only tables `[bridge.selectors.NAME]`; other keys belong in the main file";
    let expected = [
        "~/etc/dangling.toml: No such file or directory (os error 2)".to_owned(),
        "~/etc/directory.toml: not a regular file".to_owned(),
        "~/etc/latin.toml: incomplete utf-8 byte sequence from index 1".to_owned(),
        format!("~/etc/service.toml:1:2: service: `service` in a drop-in, {only}"),
        format!("~/etc/service.toml:3:9: bridge.defaults: `bridge.defaults` in a drop-in, {only}"),
        format!("~/etc/whole.toml:1:1: bridge: `bridge` in a drop-in, {only}"),
        "~/lib/syntax.toml:2:8: string values must be quoted, expected literal string".to_owned(),
        "~/run/value.toml:6:8: bridge.selectors.v.path: \"rel\", \
         expected the absolute path of a socket, of at most 107 bytes (unix(7))"
            .to_owned(),
    ];
    let mut warnings = host.warnings();
    warnings.sort();
    assert_eq!(warnings, expected);
}

#[test]
fn what_a_wrong_drop_in_replaced_is_back() {
    let host = Host::new();
    host.selector("lib/a.toml", "x", "/a");
    host.write("lib/b.toml", "[bridge.selectors.x]\nkind = \"uds\"\n");
    assert_eq!(host.sockets(), ["x=/a"]);
    assert_eq!(host.warnings().len(), 1);
}

#[test]
fn strict_drop_ins_are_errors_as_any_others() {
    let mut host = Host::new();
    host.selector("lib/good.toml", "good", "/good");
    host.write("lib/wrong.toml", "colour = 1\n");
    assert_eq!(host.load().settings.service.drop_ins, DropIns::Lenient);
    host.write("config.toml", "[service]\nstrict_dropins = true\n");
    let errors = host.layers.load().unwrap_err();
    assert_eq!(errors.0.len(), 1, "{errors}");
    // Where the main file is wrong as well, both are told.
    host.layers.flags = Flags(vec![Flag {
        name: "--web.telemetry-path",
        key: ("service", "telemetry_path"),
        value: FlagValue::Text("metrics".into()),
    }]);
    host.write("config.toml", "[service]\nport = \"x\"\n");
    let errors = host.layers.load().unwrap_err().to_string();
    let lines: Vec<_> = errors.lines().collect();
    assert_eq!(lines.len(), 3, "{errors}");
    for (line, expected) in lines.iter().zip([
        "config.toml:2:8: service.port: \"x\"",
        "lib/wrong.toml:1:1: colour: `colour` in a drop-in",
        "--web.telemetry-path: service.telemetry_path: \"metrics\"",
    ]) {
        assert!(line.contains(expected), "{expected} is not in {line}");
    }
}

#[test]
fn a_directory_that_cannot_be_listed_is_a_error() {
    let mut host = Host::new();
    host.write("file", "");
    host.layers.drop_ins.push(host.at("file"));
    let errors = host.layers.load().unwrap_err().to_string();
    let expected = "/file: cannot be listed: Not a directory (os error 20)";
    assert!(errors.ends_with(expected), "{errors}");
}

#[test]
fn the_text_says_all_that_holds_and_reads_back_as_the_same() {
    let mut host = Host::new();
    let everything = include_str!("../../testdata/good-everything.toml");
    host.write("config.toml", everything);
    host.selector("lib/a.toml", "dropped", "/dropped");
    let name = "LOCAL_EXPORTER__SERVICE__MAX_IN_FLIGHT".to_owned();
    host.layers.environment.insert(name, "9".into());
    let first = host.load();
    for said in [
        "max_in_flight = 9",
        "[bridge.selectors.dropped]",
        "strict_files = true",
    ] {
        assert!(
            first.text.contains(said),
            "{said} is not in\n{}",
            first.text
        );
    }
    let again = Host::new();
    again.write("config.toml", &first.text);
    let again = again.load();
    // TOML wants selectors of one line before those that are tables.
    let sorted = |mut settings: Settings| {
        settings.selectors.sort_by(|a, b| a.name.cmp(&b.name));
        settings
    };
    assert_eq!(sorted(again.settings), sorted(first.settings));
    assert_eq!((&again.text, &again.hash), (&first.text, &first.hash));
}

#[test]
fn the_hash_is_that_of_the_values() {
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
    // Where it stands is no matter.
    host.selector("etc/a.toml", "a", "/a");
    host.write("config.toml", "# nothing any more");
    assert_eq!(host.load().hash, first.hash);
    assert_eq!(host.load().text, first.text);
}

#[test]
fn an_external_error_is_reported_where_its_key_stands() {
    let mut host = Host::new();
    host.selector("lib/a.toml", "a", "/a");
    host.selector("lib/b.toml", "b", "/b");
    host.selector("config.toml", "main", "/main");
    let against = |name: &'static str| {
        move |settings: &Settings| {
            let there = settings.selectors.iter().any(|one| one.name == name);
            let error = crate::ExternalError {
                key: ["bridge", "selectors", name, "path"]
                    .map(str::to_owned)
                    .into(),
                found: "it is haunted".into(),
            };
            there.then_some(error).into_iter().collect()
        }
    };
    let loaded = host.layers.load_with(&against("a")).unwrap();
    let names = loaded.settings.selectors.iter().map(|one| &*one.name);
    assert_eq!(names.collect::<Vec<_>>(), ["b", "main"]);
    let [warning] = loaded.warnings.as_slice() else {
        panic!("{:?}", loaded.warnings);
    };
    let expected = "lib/a.toml:3:8: bridge.selectors.a.path: it is haunted";
    assert!(warning.to_string().ends_with(expected), "{warning}");
    // The main file is left out for nothing, and a variable is no drop-in.
    let refused = |host: &Host, name| {
        let errors = host.layers.load_with(&against(name)).unwrap_err();
        errors.to_string()
    };
    let main = refused(&host, "main");
    assert!(main.contains("config.toml:3:8: bridge"), "{main}");
    let name = "LOCAL_EXPORTER__BRIDGE__SELECTORS__B__PATH".to_owned();
    host.layers.environment.insert(name, "/environment".into());
    let variable = refused(&host, "b");
    assert!(
        variable.starts_with("environment LOCAL_EXPORTER__BRIDGE__SELECTORS__B__PATH: "),
        "{variable}"
    );
    host.write("lib/c.toml", "[service]\n");
    host.write("config.toml", "[service]\nstrict_dropins = true\n");
    let strict = refused(&host, "a");
    assert_eq!(strict.lines().count(), 2, "{strict}");
}

/// A host whose drop-in `p.toml` is tuned by a variable.
fn tuned(text: &str) -> Host {
    let mut host = Host::new();
    host.write("lib/p.toml", text);
    host.selector("lib/q.toml", "q", "/q");
    let name = "LOCAL_EXPORTER__BRIDGE__SELECTORS__P__TIMEOUT".to_owned();
    host.layers.environment.insert(name, "2s".into());
    host
}

const UNMATCHED: &str = "environment LOCAL_EXPORTER__BRIDGE__SELECTORS__P__TIMEOUT: \
    bridge.selectors.p.timeout: it changes a selector whose drop-in was left out or is masked";

#[test]
fn what_tunes_a_selector_of_a_wrong_drop_in_goes_with_it() {
    let host = tuned("[bridge.selectors.p]\nkind = \"uds\"\npath = \"/p\"\n");
    assert_eq!(host.sockets(), ["p=/p", "q=/q"]);
    assert_eq!(host.warnings(), [] as [&str; 0]);
    assert_eq!(host.load().drop_ins_left_out(), 0);
    let wrong: [(&str, &str); 4] = [
        (
            "[bridge.selectors.p]\nkind = \"uds\"\npath = \"p\"\ncolour = 1\n",
            "~/lib/p.toml:3:8: ",
        ),
        ("[bridge.selectors]\np = \"/p\"\n", "~/lib/p.toml:2:1: "),
        ("not TOML", "~/lib/p.toml:1:"),
        ("[service]\n", "~/lib/p.toml:1:2: "),
    ];
    for (text, expected) in wrong {
        let host = tuned(text);
        assert_eq!(host.sockets(), ["q=/q"], "{text}");
        let warnings = host.warnings();
        assert!(warnings[0].starts_with(expected), "{warnings:?}");
        assert_eq!(warnings.last().map(String::as_str), Some(UNMATCHED));
        assert_eq!(host.load().drop_ins_left_out(), 1, "{warnings:?}");
        host.write("config.toml", "[service]\nstrict_dropins = true\n");
        assert!(host.layers.load().is_err(), "{text}");
    }
    let host = tuned("");
    host.write("lib/unreadable.toml", "");
    fs::remove_file(host.at("lib/p.toml")).unwrap();
    fs::create_dir(host.at("lib/p.toml")).unwrap();
    assert_eq!(
        host.warnings(),
        ["~/lib/p.toml: not a regular file", UNMATCHED]
    );
}

#[test]
fn what_tunes_a_masked_selector_goes_with_it() {
    let right = "[bridge.selectors.p]\nkind = \"uds\"\npath = \"/p\"\n";
    let mut host = tuned(right);
    symlink("/dev/null", host.at("etc/p.toml")).unwrap();
    assert_eq!(host.sockets(), ["q=/q"]);
    assert_eq!(host.warnings(), [UNMATCHED]);
    assert_eq!(host.load().drop_ins_left_out(), 0);
    host.layers.drop_ins = vec!["/dev/null".into()];
    assert_eq!(host.warnings(), [UNMATCHED]);
}

#[test]
fn a_selector_that_variables_make_stays_and_one_that_nobody_makes_is_a_error() {
    let set = |host: &mut Host, key: &str, value: &str| {
        let name = format!("LOCAL_EXPORTER__BRIDGE__SELECTORS__{key}");
        host.layers.environment.insert(name, value.into());
    };
    let mut host = tuned("not TOML");
    host.selector("config.toml", "main", "/main");
    set(&mut host, "MAIN__TIMEOUT", "3s");
    set(&mut host, "BARE", "/bare");
    set(&mut host, "OWN__KIND", "uds");
    set(&mut host, "OWN__PATH", "/own");
    let sockets = host.sockets();
    for expected in ["main=/main", "bare: directory", "own=/own"] {
        assert!(sockets.iter().any(|one| one == expected), "{sockets:?}");
    }
    assert_eq!(host.warnings().last().map(String::as_str), Some(UNMATCHED));
    // Where every drop-in was read, it is nobody's but a slip.
    let host = tuned("");
    let errors = host.layers.load().unwrap_err().to_string();
    let expected = "environment LOCAL_EXPORTER__BRIDGE__SELECTORS__P__KIND: \
                    bridge.selectors.p.kind: missing";
    assert!(errors.starts_with(expected), "{errors}");
}

#[test]
fn directories_that_were_asked_for_must_be_there() {
    let mut host = Host::new();
    host.layers.drop_ins.push(host.at("typo"));
    host.layers.drop_ins_presence = Presence::Required;
    let errors = host.layers.load().unwrap_err().to_string();
    let expected = "/typo: cannot be listed: No such file or directory (os error 2)";
    assert!(errors.ends_with(expected), "{errors}");
    host.layers.drop_ins_presence = Presence::Optional;
    assert!(host.layers.load().is_ok());
}

#[test]
fn external_errors_and_errors_are_reported_together_and_once() {
    let host = Host::new();
    host.write(
        "config.toml",
        "[service]\nport = \"x\"\ntls = true\nbearer_token_file = \"/t\"\n\
         [bridge.selectors.a]\nkind = \"usd\"\n",
    );
    let check = |settings: &Settings| {
        let error = |key: &str| crate::ExternalError {
            key: ["service", key].map(str::to_owned).to_vec(),
            found: "it is haunted".to_owned(),
        };
        assert!(settings.service.access.bearer_token_file.is_some());
        ["tls", "bearer_token_file"].map(error).to_vec()
    };
    let errors = host.layers.load_with(&check).unwrap_err();
    let keys: Vec<_> = errors.0.iter().map(|error| &*error.key).collect();
    let expected = [
        "service.port",
        "service.tls",
        "service.bearer_token_file",
        "bridge.selectors.a.kind",
    ];
    assert_eq!(keys, expected, "{errors}");
    assert!(errors.to_string().contains("true without a certificate"));
}
