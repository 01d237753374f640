//! `/sd`, route prefixes and external URLs, with a real Prometheus.

use crate::prometheus::Prometheus;
use crate::serving::Serving;
use crate::support::{Exporter, get, program, quoted, raw, until};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

const LOCAL: &[&str] = &["--web.listen-address", "127.0.0.1:0"];

fn groups(base: &str, path: &str) -> Value {
    let reply = get(&format!("http://{base}{path}"), &[]);
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.header("content-type"), Some("application/json"));
    serde_json::from_slice(&reply.body).unwrap()
}

#[test]
fn each_selector_is_a_target_in_the_order_of_the_configuration() {
    let exporter = Exporter::start(
        "[bridge.selectors.\"z é\"]\nkind = \"uds\"\npath = \"/nowhere/z\"\n\
         scrape_interval = \"90s\"\nscrape_timeout = \"500ms\"\nlabels = { team = \"a\" }\n\
         [bridge.selectors.a]\nkind = \"file\"\npath = \"/nowhere/a\"\n",
    );
    let found = groups(exporter.address(), "/sd");
    let expected = json!([
        {
            "targets": [exporter.address()],
            "labels": {
                "__meta_local_exporter_kind": "uds",
                "__meta_local_exporter_selector": "z é",
                "__metrics_path__": "/bridge",
                "__param_selector": "z é",
                "__scheme__": "http",
                "__scrape_interval__": "1m30s",
                "__scrape_timeout__": "500ms",
                "selector": "z é",
                "team": "a",
            }
        },
        {
            "targets": [exporter.address()],
            "labels": {
                "__meta_local_exporter_kind": "file",
                "__meta_local_exporter_selector": "a",
                "__metrics_path__": "/bridge",
                "__param_selector": "a",
                "__scheme__": "http",
                "selector": "a",
            }
        },
    ]);
    assert_eq!(found, expected);
}

#[test]
fn without_selectors_the_list_is_empty_and_not_absent() {
    let exporter = Exporter::start("");
    assert_eq!(exporter.get("/sd").text(), "[]");
}

#[test]
fn a_request_without_a_valid_host_is_an_error_with_a_remedy() {
    let exporter = Exporter::start("");
    for head in [
        "GET /sd HTTP/1.0\r\n",
        "GET /sd HTTP/1.1\r\nHost: a/b\r\nConnection: close\r\n",
        "GET /sd HTTP/1.1\r\nHost: u@h\r\nConnection: close\r\n",
        "GET /sd HTTP/1.1\r\nHost: a:99999\r\nConnection: close\r\n",
    ] {
        let response = raw(exporter.address(), &format!("{head}\r\n"));
        assert!(response.contains(" 400 "), "{head}: {response}");
    }
    let response = raw(exporter.address(), "GET /sd HTTP/1.0\r\nHost: \r\n\r\n");
    assert!(response.contains("--web.external-url"), "{response}");
}

#[test]
fn the_external_url_is_the_target_and_all_pages_are_below_its_path() {
    let arguments = [LOCAL, &["--web.external-url", "https://proxy.example/a/b/"]].concat();
    let config = "[bridge.selectors]\na = { kind = \"uds\", path = \"/nowhere/a\" }\n";
    let serving = Serving::start(program(), &arguments, config);
    let address = serving.address();
    let found = groups(&address, "/a/b/sd");
    assert_eq!(found[0]["targets"], json!(["proxy.example"]));
    assert_eq!(found[0]["labels"]["__scheme__"], "https");
    assert_eq!(found[0]["labels"]["__metrics_path__"], "/a/b/bridge");

    let status = |path: &str| get(&format!("http://{address}{path}"), &[]).status;
    for below in [
        "/a/b/",
        "/a/b/metrics",
        "/a/b/-/healthy",
        "/a/b/debug/actors",
    ] {
        assert_eq!(status(below), 200, "{below}");
    }
    assert_eq!(status("/a/b/bridge"), 400);
    for outside in ["/metrics", "/bridge?selector=a", "/-/healthy", "/a", "/sd"] {
        assert_eq!(status(outside), 404, "{outside}");
    }
    for above in ["/", "/a/b"] {
        let head = format!("GET {above} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let response = raw(&address, &head);
        assert!(response.starts_with("HTTP/1.1 302 "), "{response}");
        assert!(response.contains("\r\nlocation: /a/b/\r\n"), "{response}");
    }
}

#[test]
fn a_proxy_may_remove_the_path() {
    let arguments = [
        LOCAL,
        &[
            "--web.external-url",
            "http://proxy.example:80/a",
            "--web.route-prefix",
            "/",
            "--web.telemetry-path",
            "/own",
        ],
    ]
    .concat();
    let config = "[bridge.selectors]\na = { kind = \"uds\", path = \"/nowhere/a\" }\n";
    let serving = Serving::start(program(), &arguments, config);
    let address = serving.address();
    let found = groups(&address, "/sd");
    assert_eq!(found[0]["targets"], json!(["proxy.example:80"]));
    assert_eq!(found[0]["labels"]["__metrics_path__"], "/a/bridge");
    let page = get(&format!("http://{address}/"), &[]).text();
    assert!(page.contains("href=\"own\""), "{page}");
    assert_eq!(get(&format!("http://{address}/own"), &[]).status, 200);
    assert_eq!(get(&format!("http://{address}/metrics"), &[]).status, 404);
}

#[test]
fn the_offset_of_the_command_line_applies() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("sock");
    let hangs = local_exporter_daemons::fault::Behaviour::HangAfterAccept;
    let _daemon = local_exporter_daemons::scripted::ScriptedDaemon::start(&socket, hangs).unwrap();
    let arguments = [LOCAL, &["--timeout-offset", "9.5"]].concat();
    let config = format!(
        "[bridge.selectors]\na = {{ kind = \"uds\", path = {}, timeout = \"20s\" }}\n",
        quoted(&socket)
    );
    let serving = Serving::start(program(), &arguments, &config);
    let url = format!("http://{}/bridge?selector=a&debug=true", serving.address());
    let reply = get(&url, &[("X-Prometheus-Scrape-Timeout-Seconds", "10")]);
    let text = reply.text();
    assert!(
        text.contains("deadline_seconds=0.5 deadline_by=scraper"),
        "{text}"
    );
    assert!(text.contains("reason=timeout"), "{text}");
}

/// A configuration of Prometheus with only the service discovery of the exporter.
fn discovering(address: &str) -> String {
    format!(
        "global:\n  scrape_interval: 1s\n  scrape_timeout: 1s\nscrape_configs:\n\
         - job_name: local-bridge\n  http_sd_configs:\n  - url: http://{address}/sd\n    \
         refresh_interval: 1s\n"
    )
}

fn selector(name: &str, file: &Path) -> String {
    format!("{name} = {{ kind = \"file\", path = {} }}\n", quoted(file))
}

#[test]
fn prometheus_discovers_a_selector_that_a_reload_adds_and_drops_one_that_it_removes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("m.prom");
    std::fs::write(&file, "it_is_there 1\n").unwrap();
    let one = format!("[bridge.selectors]\n{}", selector("one", &file));
    let both = one.clone() + &selector("two", &file);
    let serving = Serving::start(program(), LOCAL, &one);
    let prometheus = Prometheus::start(folder.path(), &discovering(&serving.address()));
    let value = |name: &str| prometheus.query(&format!("it_is_there{{selector=\"{name}\"}}"));
    until("the first selector is scraped", || {
        value("one") == Some(1.0)
    });
    assert_eq!(prometheus.query("count(up)"), Some(1.0));

    std::fs::write(serving.config(), both).unwrap();
    serving.signal("HUP");
    until("the second selector is scraped too", || {
        value("two") == Some(1.0)
    });
    assert_eq!(prometheus.query("sum(up)"), Some(2.0));

    std::fs::write(serving.config(), one).unwrap();
    serving.signal("HUP");
    until("the second target is removed", || {
        value("two").is_none() && prometheus.query("count(up)") == Some(1.0)
    });
    assert_eq!(value("one"), Some(1.0));
}

#[test]
fn promtool_accepts_the_targets() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("m.prom");
    let config = format!(
        "[bridge.selectors]\n{}[bridge.selectors.two]\nkind = \"uds\"\npath = \"/nowhere/s\"\n\
         scrape_interval = \"1m\"\nscrape_timeout = \"2s\"\nlabels = {{ team = \"a\" }}\n",
        selector("one", &file)
    );
    let exporter = Exporter::start(&config);
    let prometheus = folder.path().join("prometheus.yml");
    std::fs::write(&prometheus, discovering(exporter.address())).unwrap();
    let output = Command::new("promtool")
        .args(["check", "service-discovery", "--timeout=2s"])
        .arg(&prometheus)
        .arg("local-bridge")
        .output()
        .expect("promtool is missing: run .ci/packages, or install Prometheus");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && text.is_empty(), "{text}");
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let found = found.as_array().unwrap();
    assert_eq!(found.len(), 2, "{found:?}");
    // promtool does not keep the order.
    let labels = |selector: &str| {
        let labels = found.iter().map(|target| &target["labels"]);
        let mut labels = labels.filter(|labels| labels["selector"] == selector);
        labels.next().unwrap()
    };
    assert_eq!(labels("one")["__scrape_interval__"], "1s");
    let two = labels("two");
    assert_eq!(two["team"], "a");
    assert_eq!(two["__scrape_interval__"], "1m");
    assert_eq!(two["__scrape_timeout__"], "2s");
    assert_eq!(two["instance"], exporter.address());
}

#[test]
fn targets_for_scrapers_of_the_same_host_have_the_unix_socket() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("http.sock");
    let unix = format!("unix:{}", socket.display());
    let listen = [LOCAL, &["--web.listen-address", &unix]].concat();
    let serving = Serving::start(program(), &listen, "[bridge.selectors]\na = \"/nowhere\"\n");
    let label =
        |path: &str| groups(&serving.address(), path)[0]["labels"]["__unix_socket__"].clone();
    assert_eq!(label("/sd?unix_socket=true"), json!(socket));
    assert_eq!(label("/sd"), Value::Null);
    let tcp = Exporter::start("");
    let refused = tcp.get("/sd?unix_socket=true");
    assert_eq!(refused.status, 400);
    assert!(
        refused.text().contains("service.listen"),
        "{}",
        refused.text()
    );
}
