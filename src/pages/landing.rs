//! `/`: an HTML page with the selectors and links to the other pages.
//!
//! Links are relative, so that the page works behind a route prefix.

use super::endpoints::{ENDPOINTS, Endpoint, Page};
use crate::exporter::Exporter;
use crate::http::reply;
use actix_web::{HttpResponse, web};
use askama::Template;
use local_exporter_actors::SelectorHandle;
use local_exporter_config::{Paths, Rejected};

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
<p>Lets Prometheus scrape the daemons of this host that have no HTTP server. Version: {{ version }}</p>
<h2>Selectors</h2>
{% if selectors.is_empty() %}
<p>No selector is configured. Add one to <code>/etc/local-exporter/config.toml</code> (or the file named with
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
{% if !drop_ins.is_empty() %}
<h2>Drop-ins with errors</h2>
<p><code>local-exporter serve --config.check</code> and the log show the errors.</p>
<table>
<tr><th>file</th><th>selectors</th></tr>
{% for drop_in in drop_ins %}
<tr><td>{{ drop_in.file }}</td><td>{{ drop_in.effect }}</td></tr>
{% endfor %}
</table>
{% endif %}
<h2>Pages</h2>
<table>
<tr><th>path</th><th>methods</th><th>description</th></tr>
{% for page in pages %}
<tr><td>{% if page.is_linked %}<a href="{{ page.path }}">/{{ page.path }}</a>{% else %}/{{ page.path }}{% endif %}</td>
<td>{{ page.methods }}</td><td>{{ page.description }}</td></tr>
{% endfor %}
</table>
</main>
</body>
</html>
"#
)]
struct Landing {
    version: &'static str,
    selectors: Vec<Row>,
    drop_ins: Vec<DropInRow>,
    pages: Vec<PageRow>,
}

/// A drop-in with errors.
#[derive(Debug)]
struct DropInRow {
    file: String,
    effect: &'static str,
}

impl DropInRow {
    fn of((file, rejected): (&String, &Rejected)) -> Self {
        Self {
            file: file.clone(),
            effect: match rejected {
                Rejected::LeftOut => "left out",
                Rejected::Kept => "those of the last valid version",
            },
        }
    }
}

/// An endpoint other than this one.
#[derive(Debug)]
struct PageRow {
    /// The path from this page.
    path: String,
    /// Whether a GET request without parameters succeeds.
    is_linked: bool,
    methods: &'static str,
    /// The description, without the backticks of its code.
    description: String,
}

impl PageRow {
    fn of(endpoint: &Endpoint, paths: &Paths) -> Self {
        let path = endpoint.configured_path(paths);
        Self {
            path: path.trim_start_matches('/').to_owned(),
            is_linked: !matches!(endpoint.page, Page::Bridge | Page::Reload),
            methods: endpoint.methods.as_str(),
            description: endpoint.description.replace('`', ""),
        }
    }
}

#[derive(Debug)]
struct Row {
    name: String,
    /// The name, encoded for a URL.
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
    let render = || {
        let registry = exporter.registry.load();
        let settings = exporter.settings.load();
        let pages = ENDPOINTS.iter().filter(|it| it.page != Page::Landing);
        let landing = Landing {
            version: env!("CARGO_PKG_VERSION"),
            pages: pages
                .map(|it| PageRow::of(it, &settings.service.paths))
                .collect(),
            drop_ins: exporter
                .drop_ins
                .load()
                .rejected
                .iter()
                .map(DropInRow::of)
                .collect(),
            selectors: registry.iter().map(|handle| Row::of(handle)).collect(),
        };
        landing.render()
    };
    match exporter.pages.landing.get(String::new(), render) {
        Ok(page) => {
            let mut response = HttpResponse::Ok();
            response.content_type("text/html; charset=utf-8");
            page.respond(response)
        }
        Err(error) => reply::internal(&format!("cannot render the page: {error}")),
    }
}
