//! A web configuration file, parsed and checked.

use super::document;
use super::error::{LARGEST_FILE, WebConfigError};
use super::headers::Headers;
use super::rate_limit::RateLimit;
use super::tls::{Protection, Tls};
use super::users::Users;
use local_exporter_actors::host::lsm::denial_hint;
use local_exporter_config::{PathAccess, read_file, shown};
use std::path::{Path, PathBuf};
use std::string::FromUtf8Error;
use std::sync::Arc;

/// A web configuration, checked.
#[derive(Debug)]
pub(crate) struct WebConfig {
    /// Headers of every response.
    pub(crate) headers: Headers,
    /// User names and bcrypt hashes; if empty, no authentication is required.
    pub(crate) users: Users,
    /// The request rate allowed to all clients together.
    pub(super) rate_limit: Option<RateLimit>,
    tls: Option<Tls>,
}

/// Performs every check of serving with a file, without serving: reads the certificates
/// and compares them with their keys. Returns how connections would be protected.
///
/// # Errors
/// The first error. A file that does not respond is one.
pub(crate) fn validate(path: &Path, access: &PathAccess) -> Result<Protection, WebConfigError> {
    let config = WebConfig::read_within(path, access)?;
    for file in config.files() {
        let owned = file.clone();
        // Certificates are read below; a file that cannot be is an error there.
        let found = access.run(&file, move || drop(read_file(&owned, LARGEST_FILE)));
        found.map_err(|error| WebConfigError::new(path, format!("{}: {error}", shown(&file))))?;
    }
    let protection = access.run(path, move || config.server_config().transpose());
    let protection = protection.map_err(|error| WebConfigError::new(path, error.to_string()))?;
    match protection {
        Ok(None) => Ok(Protection::Plain),
        Ok(Some(_)) => Ok(Protection::Tls),
        Err(message) => Err(WebConfigError::new(path, message)),
    }
}

/// Returns the web configuration and the files that it names: all must be readable while it
/// is in use. If it cannot be read, only its own path.
#[must_use]
pub(crate) fn files(path: &Path, access: &PathAccess) -> Vec<PathBuf> {
    let named = WebConfig::read_within(path, access).map(|config| config.files());
    std::iter::once(path.to_owned())
        .chain(named.unwrap_or_default())
        .collect()
}

impl WebConfig {
    /// Reads and checks a file, but not the files that it names.
    pub(super) fn read(path: &Path) -> Result<Self, WebConfigError> {
        let error = |message| WebConfigError::new(path, message);
        let text = read_file(path, LARGEST_FILE).map_err(|cause| {
            let hint = denial_hint(path, &cause);
            error(format!("cannot be read: {cause}{hint}"))
        })?;
        let text = String::from_utf8(text).map_err(|found| error(not_utf8(&found)))?;
        let directory = path.parent().unwrap_or(Path::new(""));
        Self::parse(&text, directory).map_err(error)
    }

    /// [`WebConfig::read`] with a deadline.
    pub(super) fn read_within(path: &Path, access: &PathAccess) -> Result<Self, WebConfigError> {
        let owned = path.to_owned();
        let read = access.run(path, move || Self::read(&owned));
        read.unwrap_or_else(|error| {
            let message = format!("cannot be read: {error}");
            Err(WebConfigError::new(path, message))
        })
    }

    /// Parses a text. Relative paths in it are relative to `directory`.
    fn parse(text: &str, directory: &Path) -> Result<Self, String> {
        let document = document::parse(text)?;
        let http = document.http_server_config.unwrap_or_default();
        let rate_limit = document.rate_limit.unwrap_or_default();
        let tls = document.tls_server_config.unwrap_or_default();
        Ok(Self {
            tls: Tls::check(tls, http.http2.unwrap_or(true), directory)?,
            headers: Headers::check(http.headers.unwrap_or_default())?,
            users: Users::check(document.basic_auth_users.unwrap_or_default())?,
            rate_limit: RateLimit::check(rate_limit.interval.as_deref(), rate_limit.burst)?,
        })
    }

    /// The files that the TLS settings name.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        self.tls.as_ref().map(Tls::files).unwrap_or_default()
    }

    /// Reads the certificates and keys, if TLS is configured.
    pub(super) fn server_config(&self) -> Option<Result<Arc<rustls::ServerConfig>, String>> {
        self.tls.as_ref().map(Tls::server_config)
    }
}

/// The position of the first byte that is not UTF-8.
fn not_utf8(error: &FromUtf8Error) -> String {
    let valid = error.utf8_error().valid_up_to();
    let before = String::from_utf8_lossy(error.as_bytes().get(..valid).unwrap_or_default());
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    format!("line {line}, column {column}: not UTF-8")
}

#[cfg(test)]
mod tests;
