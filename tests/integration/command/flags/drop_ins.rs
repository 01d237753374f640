//! Drop-ins with errors are left out, with `serve --config.check` and `scrape`.

use super::{Host, OK};
use crate::command::run;
use crate::support::program;
use std::path::Path;

#[test]
fn a_drop_in_with_errors_is_left_out_or_an_error_with_strict_dropins() {
    let host = Host::new("[bridge.selectors]\na = \"/run/a\"\n");
    host.drop_in(
        "b.toml",
        "[bridge.selectors.b]\nkind = \"uds\"\npath = \"b\"\n",
    );
    let (code, out, error) = host.check(&[]);
    assert_eq!(
        out,
        format!("{OK}2, selectors: 1, left out: ~/conf.d/b.toml\n")
    );
    let expected = "left out: ~/conf.d/b.toml:3:8: bridge.selectors.b.path: \"b\", ";
    assert!(error.starts_with(expected), "{error}");
    assert_eq!(code, Some(0));

    let text = "[service]\nstrict_dropins = true\n";
    std::fs::write(host.path("config.toml"), text).unwrap();
    let (code, out, error) = host.check(&[]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    let expected = "~/conf.d/b.toml:3:8: bridge.selectors.b.path: \"b\", ";
    assert!(error.starts_with(expected), "{error}");
}

#[test]
fn the_drop_in_whose_selector_is_used_is_named_if_several_define_it() {
    let host = Host::new("");
    for file in ["a.toml", "b.toml"] {
        host.drop_in(file, "[bridge.selectors]\nx = \"/run/x\"\n");
    }
    let (code, out, error) = host.check(&[]);
    assert_eq!(out, format!("{OK}3, selectors: 1\n"));
    let expected =
        "selector \"x\": defined in ~/conf.d/b.toml, which is used, and in ~/conf.d/a.toml\n";
    assert_eq!((code, error.as_str()), (Some(0), expected));
}

#[test]
fn an_unreadable_token_leaves_out_the_drop_in_that_names_it() {
    let host = Host::new("[bridge.selectors]\na = \"/run/a\"\n");
    let token = host.path("token");
    let drop_in = format!(
        "[bridge.selectors.b]\nkind = \"uds\"\npath = \"/run/b\"\nbearer_token_file = {}\n",
        crate::support::quoted(&token)
    );
    host.drop_in("b.toml", &drop_in);
    let place = "~/conf.d/b.toml:4:21: bridge.selectors.b.bearer_token_file: ";
    let (code, out, error) = host.check(&[]);
    let expected = format!("left out: {place}~/token cannot be read: No such file");
    assert!(error.starts_with(&expected), "{error}");
    assert_eq!(code, Some(0));
    assert_eq!(
        out,
        format!("{OK}2, selectors: 1, left out: ~/conf.d/b.toml\n")
    );

    std::fs::write(&token, "secret").unwrap();
    let (code, out, error) = host.check(&[]);
    assert_eq!((code, error.as_str()), (Some(0), ""));
    assert_eq!(out, format!("{OK}2, selectors: 2\n"));

    // An error of the main file leaves out no drop-in, and neither does one with strict_dropins.
    std::fs::write(&token, "").unwrap();
    std::fs::write(host.path("config.toml"), drop_in.replace(".b]", ".c]")).unwrap();
    let (code, _, error) = host.check(&[]);
    let expected =
        "~/config.toml:4:21: bridge.selectors.c.bearer_token_file: ~/token contains no token";
    assert!(error.contains(expected), "{error}");
    assert_eq!(code, Some(2));
    let strict = "[service]\nstrict_dropins = true\n";
    std::fs::write(host.path("config.toml"), strict).unwrap();
    let (code, _, error) = host.check(&[]);
    assert!(error.starts_with(place), "{error}");
    assert_eq!(code, Some(2));
}

#[test]
fn a_variable_for_a_selector_of_a_drop_in_with_errors_affects_no_other_selector() {
    let host = Host::new("[bridge.selectors]\na = \"/run/a\"\n");
    host.drop_in("p.toml", "[bridge.selectors.p]\nkind = \"usd\"\n");
    let output = program()
        .args(["serve", "--config.check", "--config"])
        .arg(host.path("config.toml"))
        .arg("--config.dropins")
        .arg(host.path("conf.d"))
        .env("LOCAL_EXPORTER__BRIDGE__SELECTORS__P__TIMEOUT", "2s")
        .output()
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{error}");
    let messages: Vec<_> = error.lines().collect();
    assert_eq!(messages.len(), 2, "{error}");
    assert!(
        messages[0].contains("/conf.d/p.toml:2:8: bridge.selectors.p.kind: \"usd\""),
        "{error}"
    );
    let variable = "left out: environment LOCAL_EXPORTER__BRIDGE__SELECTORS__P__TIMEOUT: ";
    assert!(messages[1].starts_with(variable), "{error}");
}

#[test]
fn scrape_finds_selectors_of_drop_ins() {
    let host = Host::new("");
    let file = host.path("m.prom");
    std::fs::write(&file, "a 1\n").unwrap();
    let quoted = crate::support::quoted(&file);
    host.drop_in(
        "a.toml",
        &format!("[bridge.selectors.a]\nkind = \"file\"\npath = {quoted}\n"),
    );
    host.drop_in("wrong.toml", "[service]\n");
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let (config, drop_ins) = (text(&host.path("config.toml")), text(&host.path("conf.d")));
    let arguments = ["scrape", "a", "-c", &config, "--config.dropins", &drop_ins];
    let (code, out, error) = run(&arguments);
    assert_eq!((code, out.as_str()), (Some(0), "a 1\n"), "{error}");
    assert!(error.starts_with("left out: "), "{error}");
}

#[test]
fn a_drop_in_that_others_can_change_is_a_warning() {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;
    let host = Host::new("");
    host.drop_in("a.toml", "[bridge.selectors]\na = \"/run/a\"\n");
    let (code, _, error) = host.check(&[]);
    assert_eq!((code, error.as_str()), (Some(0), ""));
    set_permissions(host.path("conf.d/a.toml"), Permissions::from_mode(0o646)).unwrap();
    set_permissions(host.path("conf.d"), Permissions::from_mode(0o777)).unwrap();
    let (code, _, error) = host.check(&[]);
    let advice = "can be changed by every user, and so can drop-ins; allow only root, or the user of the \
                  exporter, to write to it";
    let expected = format!("warning: ~/conf.d: {advice}\nwarning: ~/conf.d/a.toml: {advice}\n");
    assert_eq!((code, error), (Some(0), expected));
    let arguments = ["--web.listen-address", "127.0.0.1:0", "--config.dropins"];
    let directory = host.path("conf.d");
    let arguments = [&arguments[..], &[directory.to_str().unwrap()]].concat();
    let serving = crate::serving::Serving::start(program(), &arguments, "");
    let logged = serving.logged("other users can change drop-ins", 2);
    assert_eq!(logged[1]["writers"], "every user");
    assert_eq!(
        logged[1]["path"],
        directory.join("a.toml").to_str().unwrap()
    );
}
