//! The bodies that a scraper accepts, by its `Accept` header.
//!
//! Pure. A body keeps its format whatever the scraper prefers. Two things matter: whether the scraper
//! accepts UTF-8 names, which are written in quotes, and how others are to be written; and whether it
//! asks for protobuf. Every scraper reads the text-based formats.

use actix_web::http::header::{ACCEPT, HeaderMap};
use local_exporter_actors::{Accepted, Names, Protobuf};
use local_exporter_exposition::EscapingScheme;

/// The media type of protobuf.
const PROTOBUF: &str = "application/vnd.google.protobuf";

/// The bodies that the `Accept` headers allow.
pub fn accepted(headers: &HeaderMap) -> Accepted {
    Accepted {
        names: accepted_names(headers),
        protobuf: accepted_protobuf(headers),
    }
}

fn ranges(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(ACCEPT);
    let values = values.filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(','))
}

/// Whether a range names protobuf. `*/*` does not count: scrapers that read only text send it too.
fn accepted_protobuf(headers: &HeaderMap) -> Protobuf {
    let is_requested = |range: &str| {
        let mut parts = range.split(';').map(str::trim);
        let media_type = parts.next().unwrap_or_default();
        let mut qualities = parts.filter_map(quality);
        media_type.eq_ignore_ascii_case(PROTOBUF) && qualities.all(|quality| quality > 0.0)
    };
    match ranges(headers).any(is_requested) {
        true => Protobuf::Requested,
        false => Protobuf::NotRequested,
    }
}

/// The value of a parameter, if it is a quality.
fn quality(parameter: &str) -> Option<f64> {
    let (name, value) = parameter.split_once('=')?;
    let is_quality = name.trim().eq_ignore_ascii_case("q");
    is_quality.then(|| value.trim().parse().ok())?
}

/// The names that the `Accept` headers allow. Prometheus 3 sends `escaping=allow-utf-8` with the
/// media types for which it accepts UTF-8 names, or the scheme of `metric_name_escaping_scheme`. The
/// default is `escaping=underscores` (Prometheus' documentation, "Content negotiation").
///
/// UTF-8 names are allowed if any media range does so. Otherwise the range with the highest quality
/// that names a scheme decides.
fn accepted_names(headers: &HeaderMap) -> Names {
    let mut best: Option<(f64, EscapingScheme)> = None;
    for (quality, names) in ranges(headers).filter_map(range) {
        match names {
            Names::Utf8 => return Names::Utf8,
            Names::Escaped(scheme) => {
                if best.is_none_or(|(known, _)| quality > known) {
                    best = Some((quality, scheme));
                }
            }
        }
    }
    Names::Escaped(best.map(|(_, scheme)| scheme).unwrap_or_default())
}

/// The quality of a media range and the names that it asks for; `None` if it names none, or is
/// excluded by `q=0`.
fn range(range: &str) -> Option<(f64, Names)> {
    let (mut quality, mut names) = (1.0, None);
    for parameter in range.split(';').skip(1) {
        let Some((name, value)) = parameter.split_once('=') else {
            continue;
        };
        let value = value.trim().trim_matches('"').to_ascii_lowercase();
        match name.trim().to_ascii_lowercase().as_str() {
            "escaping" if value == "allow-utf-8" => names = Some(Names::Utf8),
            "escaping" => names = EscapingScheme::from_name(&value).map(Names::Escaped),
            "q" => quality = value.parse().unwrap_or(quality),
            _ => {}
        }
    }
    Some((quality, names?)).filter(|(quality, _)| *quality > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    #[test]
    fn an_accepted_range_decides_about_names_by_its_parameter() {
        let prometheus_3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                            application/openmetrics-text;version=0.0.1;q=0.5,\
                            text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
                            text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        let prometheus_2 = "application/openmetrics-text;version=1.0.0,\
                            application/openmetrics-text;version=0.0.1;q=0.75,\
                            text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        let underscores = Names::Escaped(EscapingScheme::Underscores);
        let victoria_metrics = "text/plain;version=0.0.4;q=1,*/*;q=0.1";
        let cases = [
            (victoria_metrics, underscores),
            (
                "text/plain;escaping=dots;q=0.3,application/openmetrics-text;escaping=values;q=0.5",
                Names::Escaped(EscapingScheme::Values),
            ),
            (
                "text/plain;escaping=\"Dots\",text/plain;escaping=values",
                Names::Escaped(EscapingScheme::Dots),
            ),
            ("text/plain;escaping=dots;q=0", underscores),
            ("text/plain;escaping=other", underscores),
            (prometheus_3, Names::Utf8),
            (prometheus_2, underscores),
            (
                "text/plain; version=1.0.0; escaping=\"allow-utf-8\"",
                Names::Utf8,
            ),
            ("text/plain;escaping=underscores", underscores),
            ("text/plain;escaping=allow-utf-8;q=0", underscores),
            ("*/*", underscores),
            ("", underscores),
        ];
        for (accept, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(accepted_names(&headers), expected, "{accept}");
        }
        assert_eq!(accepted_names(&HeaderMap::new()), underscores);
    }

    #[test]
    fn only_scrapers_that_name_protobuf_get_it() {
        let cases = [
            (
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,*/*;q=0.1",
                Protobuf::Requested,
            ),
            (
                "text/plain, Application/vnd.google.Protobuf",
                Protobuf::Requested,
            ),
            (
                "application/vnd.google.protobuf;q=0, */*",
                Protobuf::NotRequested,
            ),
            (
                "text/plain;version=0.0.4;q=1,*/*;q=0.1",
                Protobuf::NotRequested,
            ),
            (
                "text/plain;x=application/vnd.google.protobuf",
                Protobuf::NotRequested,
            ),
            ("application/*", Protobuf::NotRequested),
            ("", Protobuf::NotRequested),
        ];
        for (accept, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(accepted(&headers).protobuf, expected, "{accept}");
        }
        assert_eq!(accepted(&HeaderMap::new()).protobuf, Protobuf::NotRequested);
    }
}
