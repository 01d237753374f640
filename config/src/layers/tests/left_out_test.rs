//! Drop-ins with errors, and the variables that are left out with them.

use super::*;
use crate::drop_ins::Rejected;
use crate::flags::{Flag, FlagValue};
use crate::service::DropIns;

#[test]
fn a_drop_in_with_an_error_is_left_out_and_named_and_the_others_stay() {
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
        "~/etc/latin.toml:1:2: the byte 0xe9, which is not UTF-8, expected a text in UTF-8"
            .to_owned(),
        format!("~/etc/service.toml:1:2: service: `service` in a drop-in, {only}"),
        format!("~/etc/service.toml:3:9: bridge.defaults: `bridge.defaults` in a drop-in, {only}"),
        format!("~/etc/whole.toml:1:1: bridge: `bridge` in a drop-in, {only}"),
        "~/lib/syntax.toml:2:8: string values must be quoted, expected literal string".to_owned(),
        "~/run/value.toml:6:8: bridge.selectors.v.path: \"rel\", \
         expected the absolute path of a socket, of at most 107 bytes (unix(7)); \
         a relative path has no meaning for a service"
            .to_owned(),
    ];
    let mut warnings = host.warnings();
    warnings.sort();
    assert_eq!(warnings, expected);
}

#[test]
fn a_selector_that_a_left_out_drop_in_replaced_takes_effect() {
    let host = Host::new();
    host.selector("lib/a.toml", "x", "/a");
    host.write("lib/b.toml", "[bridge.selectors.x]\nkind = \"uds\"\n");
    assert_eq!(host.sockets(), ["x=/a"]);
    assert_eq!(host.warnings().len(), 1);
}

#[test]
fn errors_of_strict_drop_ins_are_errors_of_the_configuration() {
    let mut host = Host::new();
    host.selector("lib/good.toml", "good", "/good");
    host.write("lib/wrong.toml", "colour = 1\n");
    assert_eq!(host.load().settings.service.drop_ins, DropIns::Lenient);
    host.write("config.toml", "[service]\nstrict_dropins = true\n");
    let errors = host.layers.load().unwrap_err();
    assert_eq!(errors.0.len(), 1, "{errors}");
    // Errors of the main file are reported as well.
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

/// A host with a drop-in `p.toml` and a variable for a key of its selector `p`.
fn with_timeout_variable(text: &str) -> Host {
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
fn a_variable_for_a_selector_of_a_left_out_drop_in_is_left_out() {
    let host = with_timeout_variable("[bridge.selectors.p]\nkind = \"uds\"\npath = \"/p\"\n");
    assert_eq!(host.sockets(), ["p=/p", "q=/q"]);
    assert_eq!(host.warnings(), [] as [&str; 0]);
    assert_eq!(host.load().drop_ins.count(Rejected::LeftOut), 0);
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
        let host = with_timeout_variable(text);
        assert_eq!(host.sockets(), ["q=/q"], "{text}");
        let warnings = host.warnings();
        assert!(warnings[0].starts_with(expected), "{warnings:?}");
        assert_eq!(warnings.last().map(String::as_str), Some(UNMATCHED));
        assert_eq!(
            host.load().drop_ins.count(Rejected::LeftOut),
            1,
            "{warnings:?}"
        );
        host.write("config.toml", "[service]\nstrict_dropins = true\n");
        assert!(host.layers.load().is_err(), "{text}");
    }
    let host = with_timeout_variable("");
    host.write("lib/unreadable.toml", "");
    fs::remove_file(host.at("lib/p.toml")).unwrap();
    fs::create_dir(host.at("lib/p.toml")).unwrap();
    assert_eq!(
        host.warnings(),
        ["~/lib/p.toml: not a regular file", UNMATCHED]
    );
}

#[test]
fn a_variable_for_a_masked_selector_is_left_out() {
    let right = "[bridge.selectors.p]\nkind = \"uds\"\npath = \"/p\"\n";
    let mut host = with_timeout_variable(right);
    symlink("/dev/null", host.at("etc/p.toml")).unwrap();
    assert_eq!(host.sockets(), ["q=/q"]);
    assert_eq!(host.warnings(), [UNMATCHED]);
    assert_eq!(host.load().drop_ins.count(Rejected::LeftOut), 0);
    host.layers.drop_ins = vec!["/dev/null".into()];
    assert_eq!(host.warnings(), [UNMATCHED]);
}

#[test]
fn a_selector_that_variables_define_stays_and_an_undefined_one_is_an_error() {
    let set = |host: &mut Host, key: &str, value: &str| {
        let name = format!("LOCAL_EXPORTER__BRIDGE__SELECTORS__{key}");
        host.layers.environment.insert(name, value.into());
    };
    let mut host = with_timeout_variable("not TOML");
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
    // If every drop-in was read, the variable is an error.
    let host = with_timeout_variable("");
    let errors = host.layers.load().unwrap_err().to_string();
    let expected = "environment LOCAL_EXPORTER__BRIDGE__SELECTORS__P__KIND: \
                    bridge.selectors.p.kind: missing";
    assert!(errors.starts_with(expected), "{errors}");
}

/// Loads again with the texts in use.
fn reload(host: &Host, before: &Loaded) -> Loaded {
    let last_valid = &before.drop_ins.last_valid;
    let loaded = host
        .layers
        .load_with(&PathAccess::default(), last_valid, &|_| Vec::new());
    loaded.unwrap()
}

fn names(loaded: &Loaded) -> Vec<&str> {
    let selectors = loaded.settings.selectors.iter();
    selectors.map(|selector| selector.name.as_str()).collect()
}

#[test]
fn a_drop_in_that_becomes_invalid_keeps_its_last_valid_selectors() {
    let host = Host::new();
    host.selector("lib/a.toml", "a", "/a");
    host.selector("lib/b.toml", "b", "/b");
    let mut loaded = host.load();
    assert_eq!(names(&loaded), ["a", "b"]);
    for invalid in [
        "=",
        "[service]\nport = 1\n",
        "[bridge.selectors.a]\nkind = \"uds\"\n",
    ] {
        host.write("lib/a.toml", invalid);
        loaded = reload(&host, &loaded);
        assert_eq!(names(&loaded), ["a", "b"], "{invalid}");
        assert_eq!(loaded.drop_ins.count(Rejected::Kept), 1);
        assert_eq!(loaded.drop_ins.count(Rejected::LeftOut), 0);
        assert!(!loaded.warnings.is_empty());
    }
    // One that cannot be read keeps its place in the order too.
    fs::remove_file(host.at("lib/a.toml")).unwrap();
    fs::create_dir(host.at("lib/a.toml")).unwrap();
    loaded = reload(&host, &loaded);
    assert_eq!(names(&loaded), ["a", "b"]);
    // A file that was removed, or is valid again, counts as it is.
    fs::remove_dir(host.at("lib/a.toml")).unwrap();
    assert_eq!(names(&reload(&host, &loaded)), ["b"]);
    host.selector("lib/a.toml", "c", "/c");
    loaded = reload(&host, &loaded);
    assert_eq!(names(&loaded), ["c", "b"]);
    assert!(loaded.drop_ins.rejected.is_empty());
    // Without a last valid text, it is left out.
    host.write("lib/a.toml", "=");
    assert_eq!(names(&host.load()), ["b"]);
}

#[test]
fn a_drop_in_whose_token_disappears_keeps_its_selectors() {
    let host = Host::new();
    host.selector("lib/a.toml", "a", "/a");
    let loaded = host.load();
    let missing = |_: &Settings| {
        vec![crate::ExternalError {
            key: ["bridge", "selectors", "a", "path"]
                .map(str::to_owned)
                .to_vec(),
            found: "missing".to_owned(),
        }]
    };
    let last_valid = &loaded.drop_ins.last_valid;
    let again = host
        .layers
        .load_with(&PathAccess::default(), last_valid, &missing);
    let again = again.unwrap();
    assert_eq!(names(&again), ["a"]);
    assert_eq!(again.drop_ins.count(Rejected::Kept), 1);
    assert_eq!(again.warnings.len(), 1);
}

#[test]
fn of_two_drop_ins_with_the_same_selector_the_one_that_is_used_is_reported() {
    let host = Host::new();
    for file in ["lib/a.toml", "lib/b.toml", "etc/c.toml"] {
        host.selector(file, "x", &format!("/{file}"));
    }
    host.selector("lib/d.toml", "only-main-replaces-it", "/d");
    host.selector("config.toml", "only-main-replaces-it", "/main");
    let contested = host.load().drop_ins.contested;
    let name = |file: &str| host.at(file).to_str().unwrap().to_owned();
    let expected = crate::Contested {
        selector: "x".to_owned(),
        used: name("etc/c.toml"),
        ignored: vec![name("lib/b.toml"), name("lib/a.toml")],
    };
    assert_eq!(contested, [expected]);
}
