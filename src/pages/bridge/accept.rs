//! The names that a scraper accepts, by its `Accept` header.
//!
//! Pure. A body keeps its format whatever the scraper prefers, since bytes pass unchanged. Only one
//! parameter matters: whether the scraper accepts UTF-8 names, which are written in quotes.

use actix_web::http::header::{ACCEPT, HeaderMap};
use local_exporter_actors::Names;

/// The names that the `Accept` headers allow. Prometheus 3 sends `escaping=allow-utf-8` with the
/// media types for which it accepts UTF-8 names; the default is `escaping=underscores` (Prometheus'
/// documentation, "Content negotiation").
pub fn accepted_names(headers: &HeaderMap) -> Names {
    let values = headers
        .get_all(ACCEPT)
        .filter_map(|value| value.to_str().ok());
    let allows = values.flat_map(|value| value.split(',')).any(allows_utf8);
    if allows { Names::Utf8 } else { Names::Legacy }
}

/// Whether a media range has the parameter and is not excluded by `q=0`.
fn allows_utf8(range: &str) -> bool {
    let mut allows = false;
    for parameter in range.split(';').skip(1) {
        let Some((name, value)) = parameter.split_once('=') else {
            continue;
        };
        let value = value.trim().trim_matches('"');
        match name.trim().to_ascii_lowercase().as_str() {
            "escaping" => allows = value.eq_ignore_ascii_case("allow-utf-8"),
            "q" if value.parse() == Ok(0.0_f64) => return false,
            _ => {}
        }
    }
    allows
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    #[test]
    fn only_an_accepted_range_with_the_parameter_allows_utf8_names() {
        let prometheus_3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                            application/openmetrics-text;version=0.0.1;q=0.5,\
                            text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
                            text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        let prometheus_2 = "application/openmetrics-text;version=1.0.0,\
                            application/openmetrics-text;version=0.0.1;q=0.75,\
                            text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        let cases = [
            (prometheus_3, Names::Utf8),
            (prometheus_2, Names::Legacy),
            (
                "text/plain; version=1.0.0; escaping=\"allow-utf-8\"",
                Names::Utf8,
            ),
            ("text/plain;escaping=underscores", Names::Legacy),
            ("text/plain;escaping=allow-utf-8;q=0", Names::Legacy),
            ("*/*", Names::Legacy),
            ("", Names::Legacy),
        ];
        for (accept, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(accepted_names(&headers), expected, "{accept}");
        }
        assert_eq!(accepted_names(&HeaderMap::new()), Names::Legacy);
    }
}
