//! The targets that `sd` prints.

use super::run;
use serde_json::{Value, json};
use std::path::Path;

const CONFIG: &str = "[service]\nlisten = [\"127.0.0.1:9598\", \"unix:/run/le/http.sock\"]\n\
    [bridge.selectors.a]\nkind = \"uds\"\npath = \"/nowhere/a\"\n\
    labels = { team = \"x\", __scrape_native_histograms__ = \"true\" }\n\
    [bridge.selectors.b]\nkind = \"uds\"\npath = \"/nowhere/b\"\n";

/// Runs `sd` with this configuration and a file with hosts.
fn sd(folder: &Path, config: &str, hosts: &str, more: &[&str]) -> (Option<i32>, String, String) {
    let (file, targets) = (folder.join("config.toml"), folder.join("hosts"));
    std::fs::write(&file, config).unwrap();
    std::fs::write(&targets, hosts).unwrap();
    let mut arguments = vec!["sd", "--config", file.to_str().unwrap()];
    arguments.extend(["--config.dropins", "/dev/null"]);
    if !hosts.is_empty() {
        arguments.extend(["--targets", targets.to_str().unwrap()]);
    }
    arguments.extend(more);
    run(&arguments)
}

#[test]
fn sd_prints_each_selector_of_each_host() {
    let folder = tempfile::tempdir().unwrap();
    let hosts = r#"[{"targets": ["n1:1", "n2:2"], "labels": {"rack": "7", "team": "y"}},
                    {"targets": ["[::1]:3"]}]"#;
    let (code, out, error) = sd(folder.path(), CONFIG, hosts, &[]);
    assert_eq!(code, Some(0), "{error}");
    let groups: Vec<Value> = serde_json::from_str(&out).unwrap();
    let found: Vec<_> = groups
        .iter()
        .map(|group| {
            let label = |name: &str| group["labels"][name].as_str().unwrap_or("").to_owned();
            let target = group["targets"][0].as_str().unwrap();
            format!(
                "{target} {} {} {}",
                label("selector"),
                label("rack"),
                label("team")
            )
        })
        .collect();
    let expected = [
        "n1:1 a 7 x",
        "n1:1 b 7 y",
        "n2:2 a 7 x",
        "n2:2 b 7 y",
        "[::1]:3 a  x",
        "[::1]:3 b  ",
    ];
    assert_eq!(found, expected);
    assert_eq!(groups[0]["labels"]["__scrape_native_histograms__"], "true");
    assert_eq!(groups[0]["labels"]["__scheme__"], "http");
    assert_eq!(groups[0]["labels"]["__metrics_path__"], "/bridge");
    assert_eq!(groups[0]["labels"]["__unix_socket__"], Value::Null);
}

#[test]
fn the_scheme_the_socket_and_the_prefix_are_configurable() {
    let folder = tempfile::tempdir().unwrap();
    let config = CONFIG.replace(
        "[service]\n",
        "[service]\nexternal_url = \"https://h:1/p\"\n",
    );
    let list = |config: &str, hosts: &str, more: &[&str]| -> Value {
        let (code, out, error) = sd(folder.path(), config, hosts, more);
        assert_eq!(code, Some(0), "{error}");
        serde_json::from_str(&out).unwrap()
    };
    let own = list(&config, "", &[]);
    assert_eq!(own[0]["targets"], json!(["h:1"]));
    assert_eq!(own[0]["labels"]["__scheme__"], "https");
    assert_eq!(own[0]["labels"]["__metrics_path__"], "/p/bridge");
    let other = list(&config, "n1:1\n", &["--scheme", "http", "--unix-socket"]);
    assert_eq!(other[0]["labels"]["__scheme__"], "http");
    assert_eq!(other[0]["labels"]["__unix_socket__"], "/run/le/http.sock");
    let local = list(CONFIG, "", &["--unix-socket"]);
    assert_eq!(local[0]["targets"], json!(["localhost"]));
}

#[test]
fn sd_says_what_is_missing_or_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let without = "[bridge.selectors]\na = \"/nowhere\"\n";
    let refused = |config: &str, hosts: &str, more: &[&str], expected: &str| {
        let (code, out, error) = sd(folder.path(), config, hosts, more);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{error}");
        assert!(error.contains(expected), "{error}");
    };
    refused(CONFIG, "", &[], "--targets");
    refused(
        CONFIG,
        "n1:1\nhttp://n2/\n",
        &[],
        "\"http://n2/\" is not a host",
    );
    refused(CONFIG, "[{\"labels\": {}}]", &[], "missing field `targets`");
    refused(without, "n1:1\n", &["--unix-socket"], "service.listen");
}
