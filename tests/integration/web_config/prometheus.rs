//! A real Prometheus scrapes over TLS with basic authentication.

use super::{Web, bcrypt, selector, tls};
use crate::prometheus::Prometheus;
use crate::support::until;

#[test]
fn a_prometheus_scrapes_over_tls_as_a_user() {
    let web = Web::new();
    web.write("ca.pem", &web.authority.pem());
    let users = format!("basic_auth_users:\n  prometheus: {}\n", bcrypt("secret"));
    let source = selector(web.folder.path());
    let exporter = web.start(
        &(tls(&[]) + &users),
        &format!("[bridge.selectors.a]\n{source}"),
    );
    let job = |name: &str, password: &str| {
        format!(
            "- job_name: {name}\n  scheme: https\n  metrics_path: /bridge\n  \
             params: {{selector: [a]}}\n  basic_auth: {{username: prometheus, password: {password}}}\n  \
             tls_config: {{ca_file: {}, server_name: localhost}}\n  \
             static_configs: [{{targets: [\"{}\"]}}]\n",
            web.path("ca.pem").display(),
            exporter.address(),
        )
    };
    let config = format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\nscrape_configs:\n{}{}",
        job("right", "secret"),
        job("wrong", "guess"),
    );
    let folder = tempfile::tempdir().unwrap();
    let prometheus = Prometheus::start(folder.path(), &config);
    until("the job with the right password is up", || {
        prometheus.query("up{job=\"right\"}") == Some(1.0)
            && prometheus.query("a{job=\"right\"}") == Some(1.0)
    });
    until("the job with the wrong password was tried", || {
        prometheus.query("up{job=\"wrong\"}").is_some()
    });
    assert_eq!(prometheus.query("up{job=\"wrong\"}"), Some(0.0));
}
