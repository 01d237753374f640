//! The exporter-toolkit's web configuration: TLS, users, headers and a rate, by its own rules.
//!
//! A file goes in; what it means for handshakes and for requests comes out. It
//! is strict: an unknown key, a key given twice, or a wish that rustls cannot
//! grant is an error with a sentence, never ignored. Nothing here knows a page,
//! and nothing here writes a response. Reading blocks; [`current`] does it away
//! from the threads that serve.
//!
//! The rules are those of
//! <https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md>.

mod bucket;
mod client_certificates;
pub(crate) mod current;
mod document;
mod duration;
pub(crate) mod fresh;
mod headers;
mod names;
pub(crate) mod passwords;
mod tls;
mod users;

pub(crate) use bucket::Rate;
pub(crate) use client_certificates::in_words;
pub(crate) use headers::Headers;
pub(crate) use users::Users;

use current::Protection;
use local_exporter_actors::host::lsm::denial_hint;
use local_exporter_config::read_file;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tls::Tls;

/// The most that the file may hold, and each that it names, in bytes.
const LARGEST: u64 = 1 << 20;

/// What a file says, checked.
#[derive(Debug)]
pub(crate) struct WebConfig {
    /// Headers of every response.
    pub headers: Headers,
    /// Who may ask, by name and bcrypt hash; nobody listed means everybody may.
    pub users: Users,
    /// How often may be asked, by all clients together.
    pub rate: Option<Rate>,
    tls: Option<Tls>,
}

/// Why a file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub sentence: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.file.display(), self.sentence)
    }
}

impl std::error::Error for Broken {}

/// All that serving by a file would check, without serving: certificates are
/// read, and held against their keys. Says what connections would be protected by.
///
/// # Errors
/// The first error.
pub(crate) fn validate(path: &Path) -> Result<Protection, Broken> {
    match WebConfig::read(path)?.server_config() {
        None => Ok(Protection::Plain),
        Some(Ok(_)) => Ok(Protection::Tls),
        Some(Err(sentence)) => Err(broken(path, sentence)),
    }
}

/// The files that a web configuration names, itself included: what has to be
/// readable while it is in use. Of one that cannot be read, only itself.
#[must_use]
pub(crate) fn files(path: &Path) -> Vec<PathBuf> {
    let named = WebConfig::read(path).map(|config| config.files());
    std::iter::once(path.to_owned())
        .chain(named.unwrap_or_default())
        .collect()
}

impl WebConfig {
    /// Reads and checks a file, but not yet the files that it names.
    fn read(path: &Path) -> Result<Self, Broken> {
        let text = read_file(path, LARGEST).map_err(|error| {
            let denial = denial_hint(path, &error);
            broken(path, format!("cannot be read: {error}{denial}"))
        })?;
        let text = String::from_utf8(text)
            .map_err(|_| broken(path, "cannot be read: not UTF-8".into()))?;
        let directory = path.parent().unwrap_or(Path::new(""));
        Self::parse(&text, directory).map_err(|sentence| broken(path, sentence))
    }

    /// From a text whose relative paths begin in a directory.
    fn parse(text: &str, directory: &Path) -> Result<Self, String> {
        let document = document::parse(text)?;
        let http = document.http_server_config.unwrap_or_default();
        let rate = document.rate_limit.unwrap_or_default();
        let tls = document.tls_server_config.unwrap_or_default();
        Ok(Self {
            tls: Tls::check(tls, http.http2.unwrap_or(true), directory)?,
            headers: Headers::check(http.headers.unwrap_or_default())?,
            users: Users::check(document.basic_auth_users.unwrap_or_default())?,
            rate: Rate::check(rate.interval.as_deref(), rate.burst)?,
        })
    }

    fn files(&self) -> Vec<PathBuf> {
        self.tls.as_ref().map(Tls::files).unwrap_or_default()
    }

    /// The TLS that is asked for, if any, from the files as they are now.
    fn server_config(&self) -> Option<Result<Arc<rustls::ServerConfig>, String>> {
        self.tls.as_ref().map(Tls::server_config)
    }
}

fn broken(file: &Path, sentence: String) -> Broken {
    Broken {
        file: file.to_owned(),
        sentence,
    }
}

#[cfg(test)]
mod tests;
