//! The checks and formats of a selector decide which bodies are served, and with which content type.

use super::selectors;
use crate::support::get;
use local_exporter_daemons::fault::Behaviour;

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

const PROTOBUF: &str = "application/vnd.google.protobuf; \
                        proto=io.prometheus.client.MetricFamily; encoding=delimited";

/// Two families as delimited protobuf: `up` and `down`, gauges of 1.
const MESSAGES: &[u8] = b"\x13\x0a\x02up\x18\x01\x22\x0b\x12\x09\x09\x00\x00\x00\x00\x00\x00\xf0\x3f\
                          \x15\x0a\x04down\x18\x01\x22\x0b\x12\x09\x09\x00\x00\x00\x00\x00\x00\xf0\x3f";

/// The expected result of a body: a content type, or a reason.
type Expected = Result<&'static str, &'static str>;

#[test]
fn each_check_accepts_and_rejects_the_expected_bodies() {
    let options = [
        ("auto", ""),
        ("text", ", format = \"text\""),
        ("open", ", format = \"openmetrics\""),
        ("proto", ", format = \"protobuf\""),
        ("strict", ", check = \"strict\""),
        ("whole", ", check = \"whole\""),
        ("none", ", check = \"none\""),
        ("empty", ", allow_empty = true"),
    ];
    let (exporter, daemon, _folder) = selectors(Behaviour::Nothing, &options);
    type Case = (&'static [u8], &'static [(&'static str, Expected)]);
    let cases: [Case; 13] = [
        (
            b"a 1\n",
            &[
                ("auto", Ok(TEXT)),
                ("text", Ok(TEXT)),
                ("open", Err("truncated")),
                ("proto", Err("truncated")),
                ("strict", Ok(TEXT)),
            ],
        ),
        (
            b"a 1",
            &[
                ("auto", Err("truncated")),
                ("whole", Err("truncated")),
                ("none", Ok(TEXT)),
            ],
        ),
        (
            b"",
            &[
                ("auto", Err("empty")),
                ("whole", Err("empty")),
                ("empty", Ok(TEXT)),
                ("none", Ok(TEXT)),
            ],
        ),
        (
            b"# TYPE a gauge\na 1\n# EOF\n",
            &[
                ("auto", Ok(OPEN_METRICS)),
                ("text", Ok(TEXT)),
                ("open", Ok(OPEN_METRICS)),
                ("strict", Ok(OPEN_METRICS)),
            ],
        ),
        // A comment in text, not the end of OpenMetrics: blank lines are not allowed there.
        (
            b"a 1\n\n# EOF\n",
            &[("auto", Ok(TEXT)), ("open", Err("malformed"))],
        ),
        (
            b"a 1\n# EOF\nb 1\n",
            &[("auto", Ok(TEXT)), ("open", Err("malformed"))],
        ),
        (
            b"a_bucket{le=\"+Inf\"} 1 # {id=\"x\"} 1\n# EOF\n",
            &[("auto", Ok(OPEN_METRICS)), ("text", Err("malformed"))],
        ),
        (
            b"<html>\n",
            &[("auto", Err("malformed")), ("whole", Ok(TEXT))],
        ),
        (
            b"{A}0\n",
            &[("auto", Err("malformed")), ("strict", Err("malformed"))],
        ),
        (
            b"a 1\na 1\n",
            &[("auto", Ok(TEXT)), ("strict", Err("malformed"))],
        ),
        (
            b"a 1\n# TYPE a counter\n",
            &[("auto", Ok(TEXT)), ("strict", Err("malformed"))],
        ),
        (MESSAGES, &[("auto", Ok(PROTOBUF)), ("proto", Ok(PROTOBUF))]),
        (
            &MESSAGES[..MESSAGES.len() - 1],
            &[("proto", Err("truncated"))],
        ),
    ];
    for (body, expectations) in cases {
        daemon.set(Behaviour::Serve(body.to_vec())).unwrap();
        for (selector, expected) in expectations {
            let url = exporter.url(&format!("/bridge?selector={selector}"));
            let reply = get(
                &url,
                &[("accept", "application/vnd.google.protobuf;q=0.6,*/*;q=0.1")],
            );
            let shown = format!("{selector}: {}: {}", body.escape_ascii(), reply.text());
            match expected {
                Ok(content_type) => {
                    assert_eq!(reply.status, 200, "{shown}");
                    assert_eq!(reply.header("content-type"), Some(*content_type), "{shown}");
                    assert_eq!(reply.body, body, "{shown}");
                }
                Err(reason) => reply.assert_error(502, selector, reason),
            }
        }
    }
}

/// `VictoriaMetrics` reads protobuf as text without samples, and reports the target as up.
#[test]
fn protobuf_is_served_only_to_scrapers_that_ask_for_it() {
    let (exporter, _daemon, _folder) =
        selectors(Behaviour::Serve(MESSAGES.to_vec()), &[("it", "")]);
    let url = exporter.url("/bridge?selector=it");
    let asks = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;\
                encoding=delimited;q=0.6,*/*;q=0.1";
    assert_eq!(get(&url, &[("accept", asks)]).body, MESSAGES);
    for accept in ["*/*", "text/plain;version=0.0.4;q=1,*/*;q=0.1"] {
        let reply = get(&url, &[("accept", accept)]);
        reply.assert_error(502, "it", "not_acceptable");
        assert!(reply.text().contains("protobuf"), "{}", reply.text());
    }
    exporter
        .scrape("it")
        .assert_error(502, "it", "not_acceptable");
    let explained = get(&format!("{url}&debug=true"), &[]);
    assert!(
        explained.text().contains("bytes of protobuf"),
        "{}",
        explained.text()
    );
}
