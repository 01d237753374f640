//! Quoted names, for scrapers that support them and for others.

use super::selectors;
use crate::support::{Exporter, Reply, get};
use local_exporter_daemons::fault::Behaviour;

/// What Prometheus 3 accepts.
const UTF8: &str = "text/plain;version=1.0.0;escaping=allow-utf-8,*/*;q=0.1";
/// What `VictoriaMetrics` accepts.
const VICTORIA_METRICS: &str = "text/plain;version=0.0.4;q=1,*/*;q=0.1";

fn scrape_as(exporter: &Exporter, selector: &str, accept: &str) -> Reply {
    let url = exporter.url(&format!("/bridge?selector={selector}"));
    get(&url, &[("Accept", accept)])
}

#[test]
fn quoted_names_are_converted_for_scrapers_that_do_not_support_them() {
    let body = "# TYPE \"my.name\" gauge\n{\"my.name\",\"my:label\"=\"v\"} 1\n";
    let serve = Behaviour::Serve(body.as_bytes().to_vec());
    let (exporter, _daemon, _folder) = selectors(serve, &[("it", "")]);
    let text = |version: &str, escaping: &str| {
        format!("text/plain; version={version}; charset=utf-8; escaping={escaping}")
    };
    for (accept, content_type, expected) in [
        (UTF8, text("1.0.0", "allow-utf-8"), body),
        (
            VICTORIA_METRICS,
            text("0.0.4", "underscores"),
            "# TYPE my_name gauge\nmy_name{my_label=\"v\"} 1\n",
        ),
        (
            "text/plain;version=1.0.0;escaping=dots",
            text("0.0.4", "dots"),
            "# TYPE my_dot_name gauge\nmy_dot_name{my_label=\"v\"} 1\n",
        ),
        (
            "text/plain;version=1.0.0;escaping=values",
            text("0.0.4", "values"),
            "# TYPE U__my_2e_name gauge\nU__my_2e_name{my_label=\"v\"} 1\n",
        ),
    ] {
        let reply = scrape_as(&exporter, "it", accept);
        assert_eq!((reply.status, reply.text().as_str()), (200, expected));
        assert_eq!(reply.header("content-type"), Some(content_type.as_str()));
        assert_eq!(reply.header("vary"), Some("accept, accept-encoding"));
    }
    let explained = exporter.get("/bridge?selector=it&debug=true").text();
    assert!(explained.contains("{\"my.name\","), "{explained}");
}

#[test]
fn a_conversion_that_would_merge_series_is_refused_and_names_both() {
    let serve = Behaviour::Serve(b"{\"a.b\"} 1\na_b 2\n".to_vec());
    let (exporter, _daemon, _folder) = selectors(serve, &[("it", "")]);
    let reply = scrape_as(&exporter, "it", VICTORIA_METRICS);
    reply.assert_error(502, "it", "utf8_names");
    let both = "the names `a.b` and `a_b` would both become `a_b`";
    assert!(reply.text().contains(both), "{}", reply.text());
    let values = scrape_as(&exporter, "it", "text/plain;escaping=values");
    assert_eq!(values.text(), "U__a_2e_b 1\na_b 2\n");
}

#[test]
fn names_that_may_not_be_converted_are_served_only_to_scrapers_that_accept_them() {
    let body = b"{\"my.name\",\"my.label\"=\"v\"} 1\n".to_vec();
    let named = [
        ("refuse", ", escaping = \"refuse\""),
        ("whole", ", check = \"whole\""),
        ("none", ", check = \"none\""),
    ];
    let (exporter, _daemon, _folder) = selectors(Behaviour::Serve(body.clone()), &named);
    for (selector, _) in named {
        let refused = exporter.scrape(selector);
        refused.assert_error(502, selector, "utf8_names");
        assert!(refused.text().contains(selector), "{}", refused.text());
        let reply = scrape_as(&exporter, selector, UTF8);
        assert_eq!((reply.status, reply.body.as_slice()), (200, &body[..]));
        let failures = format!(
            "local_exporter_bridge_scrape_failures_total{{reason=\"utf8_names\",selector=\"{selector}\"}}"
        );
        assert_eq!(exporter.metric(&failures), Some(1.0));
        let up = format!("local_exporter_source_up{{selector=\"{selector}\"}}");
        assert_eq!(
            exporter.metric(&up),
            Some(1.0),
            "the source is not at fault"
        );
    }
}
