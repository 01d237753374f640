//! `/`: a plain page that names what there is.
//!
//! Links are relative, so that the page works behind a prefix.

use crate::exporter::Exporter;
use crate::http::reply;
use actix_web::{HttpResponse, web};
use askama::Template;
use local_exporter_actors::SelectorHandle;

#[derive(Debug, Template)]
#[template(
    ext = "html",
    source = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>local-exporter</title>
<style>
body { font-family: sans-serif; margin: 0; line-height: 1.5 }
header { background: #e6522c; color: white; padding: .5em 1.5em }
main { padding: 0 1.5em 1.5em }
td, th { text-align: left; padding: .1em 1.5em .1em 0; vertical-align: top }
pre { background: #eee; padding: 1em; overflow: auto }
</style>
</head>
<body>
<header><h1>local-exporter</h1></header>
<main>
<p>Bridges Prometheus and the daemons of this host. Version: {{ version }}</p>
<h2>Selectors</h2>
{% if selectors.is_empty() %}
<p>None is configured. Add one to <code>/etc/local-exporter/config.toml</code> (or the file named with
<code>--config</code>) and reload:</p>
<pre>[bridge.selectors]
daemon1 = { kind = "uds", path = "/run/daemon1/public/metrics.promsock" }</pre>
{% else %}
<table>
<tr><th>selector</th><th>kind</th><th>source</th><th>state</th></tr>
{% for selector in selectors %}
<tr><td><a href="bridge?selector={{ selector.query }}">{{ selector.name }}</a>
(<a href="bridge?selector={{ selector.query }}&amp;debug=true">debug</a>)</td><td>{{ selector.kind }}</td>
<td>{{ selector.source }}</td><td>{{ selector.state }}</td></tr>
{% endfor %}
</table>
{% endif %}
<h2>Pages</h2>
<ul>
<li><a href="{{ telemetry }}">/{{ telemetry }}</a>: the exporter about itself</li>
<li><a href="sd">/sd</a>: the selectors as targets, for Prometheus (<code>http_sd_configs</code>)</li>
<li><a href="debug/actors">/debug/actors</a>: what every selector is doing</li>
<li><a href="config">/config</a>: the configuration, with all defaults</li>
<li><a href="-/healthy">/-/healthy</a>, <a href="-/ready">/-/ready</a>: for whoever starts and restarts it</li>
</ul>
</main>
</body>
</html>
"#
)]
struct Landing<'a> {
    version: &'static str,
    /// Where the exporter's own metrics are, from this page.
    telemetry: &'a str,
    selectors: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    name: String,
    /// The name as it stands in a URL.
    query: String,
    kind: &'static str,
    source: String,
    state: &'static str,
}

impl Row {
    fn of(handle: &SelectorHandle) -> Self {
        let name = handle.spec().name.clone();
        Self {
            query: form_urlencoded::byte_serialize(name.as_bytes()).collect(),
            name,
            kind: handle.spec().source.kind(),
            source: handle.source().to_owned(),
            state: handle.state().as_str(),
        }
    }
}

/// `GET /`.
pub(crate) async fn page(exporter: web::Data<Exporter>) -> HttpResponse {
    let registry = exporter.registry.load();
    let settings = exporter.settings.load();
    let landing = Landing {
        version: env!("CARGO_PKG_VERSION"),
        telemetry: settings.service.paths.telemetry.trim_start_matches('/'),
        selectors: registry.iter().map(|handle| Row::of(handle)).collect(),
    };
    match landing.render() {
        Ok(page) => HttpResponse::Ok()
            .content_type("text/html; charset=utf-8")
            .body(page),
        Err(error) => reply::internal(&format!("the page cannot be written: {error}")),
    }
}
