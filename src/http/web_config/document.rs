//! The YAML document: every key of a web configuration, not yet interpreted.
//!
//! As in the toolkit, a key without a value counts as unset, and strings need no quotes:
//! `X-XSS-Protection: 1` is the string `1`.

use serde::Deserialize;
use serde_saphyr::UserMessageFormatter;
use std::collections::BTreeMap;

/// A web configuration file.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    pub(super) tls_server_config: Option<TlsServer>,
    pub(super) http_server_config: Option<HttpServer>,
    pub(super) basic_auth_users: Option<BTreeMap<String, Option<String>>>,
    pub(super) rate_limit: Option<RateLimit>,
}

/// `tls_server_config`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TlsServer {
    pub(super) cert: Option<String>,
    pub(super) key: Option<String>,
    pub(super) client_ca: Option<String>,
    pub(super) cert_file: Option<String>,
    pub(super) key_file: Option<String>,
    pub(super) client_ca_file: Option<String>,
    pub(super) client_auth_type: Option<String>,
    pub(super) client_allowed_sans: Option<Vec<String>>,
    pub(super) min_version: Option<String>,
    pub(super) max_version: Option<String>,
    pub(super) cipher_suites: Option<Vec<String>>,
    pub(super) prefer_server_cipher_suites: Option<bool>,
    pub(super) curve_preferences: Option<Vec<String>>,
}

/// `http_server_config`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HttpServer {
    pub(super) http2: Option<bool>,
    pub(super) headers: Option<BTreeMap<String, Option<String>>>,
}

/// `rate_limit`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RateLimit {
    pub(super) interval: Option<String>,
    pub(super) burst: Option<u32>,
}

/// Whether a line has only white space or a comment.
fn is_blank(line: &str) -> bool {
    matches!(line.trim_start().as_bytes().first(), None | Some(b'#'))
}

/// Parses a text. Errors quote no line, because lines may contain secrets.
pub(super) fn parse(text: &str) -> Result<Document, String> {
    // YAML forbids tabs as indentation (YAML 1.2, section 6.1), but the parser accepts some.
    let is_indented_by_tab = |line: &str| line.starts_with('\t') && !is_blank(line);
    if let Some((_, number)) = text
        .lines()
        .zip(1_usize..)
        .find(|(line, _)| is_indented_by_tab(line))
    {
        return Err(format!(
            "yaml: line {number}: it begins with a tab; indent with blanks"
        ));
    }
    let options = serde_saphyr::options! { with_snippet: false };
    let document = serde_saphyr::from_str_with_options::<Option<Document>>(text, options);
    let document = document.map_err(|error| {
        // The default formatter gives advice to developers who use the parser.
        let error = error.render_with_formatter(&UserMessageFormatter);
        format!("yaml: {}", error.strip_prefix("error: ").unwrap_or(&error))
    })?;
    Ok(document.unwrap_or_default())
}
