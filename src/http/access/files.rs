//! The files that access settings refer to: their paths and their errors.
//!
//! An error in such a file is a configuration error at the key that names it. A drop-in whose
//! token cannot be read is therefore skipped like any other invalid drop-in. Every file is read with a
//! deadline ([`PathAccess`]). Nothing is cached.

use super::tokens;
use crate::http::web_config;
use crate::http::web_config::Protection;
use local_exporter_actors::ListFiles;
use local_exporter_config::{Access, ExternalError, PathAccess, Service, Settings, Tls, shown};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Checks the files that access settings refer to, without serving. A token on a file system that does
/// not respond is no error: requests that need it are refused until it can be read.
#[must_use]
pub(crate) fn external_errors(settings: &Settings, access: &PathAccess) -> Vec<ExternalError> {
    let service = service_error(&settings.service, access);
    let tokens = tokens(settings).filter_map(|(mut key, file)| {
        let owned = file.to_owned();
        let found = match access.run(file, move || tokens::read(&owned)) {
            Ok(read) => read.err()?,
            Err(error) => {
                let path = shown(file);
                tracing::warn!(%path, %error, "cannot read a bearer token; refusing requests that need it");
                return None;
            }
        };
        key.push("bearer_token_file".to_owned());
        Some(ExternalError { key, found })
    });
    service.into_iter().chain(tokens).collect()
}

/// The error in the web configuration, or in `service.tls` together with it.
pub(super) fn service_error(service: &Service, access: &PathAccess) -> Option<ExternalError> {
    let web_config = service.web_config.as_deref();
    let validated = web_config.map(|path| web_config::validate(path, access));
    let protection = match validated {
        Some(Ok(protection)) => protection,
        Some(Err(error)) => return Some(external_error("web_config_file", &error.to_string())),
        None => Protection::Plain,
    };
    match (service.tls, protection) {
        (Tls::Required, Protection::Plain) => Some(external_error(
            "tls",
            "true, but no certificate is configured; set one in tls_server_config of \
             service.web_config_file",
        )),
        (Tls::Forbidden, Protection::Tls) => Some(external_error(
            "tls",
            "false, but service.web_config_file turns TLS on",
        )),
        _ => None,
    }
}

fn external_error(key: &str, found: &str) -> ExternalError {
    ExternalError {
        key: vec!["service".to_owned(), key.to_owned()],
        found: found.to_owned(),
    }
}

/// The files that must be readable while the settings are in use.
#[must_use]
pub(crate) fn files(settings: &Settings, access: &PathAccess) -> Vec<PathBuf> {
    let web = settings.service.web_config.as_deref();
    let web = web.map(|path| web_config::files(path, access));
    let web = web.unwrap_or_default();
    let tokens = tokens(settings).map(|(_, file)| file.to_owned());
    web.into_iter().chain(tokens).collect()
}

/// Lists the files with secrets, again each time.
#[must_use]
pub(crate) fn secret_files(settings: &Settings) -> ListFiles {
    let settings = settings.clone();
    Arc::new(move |access: &PathAccess| files(&settings, access))
}

/// The token files, each with the path of the table that names it.
fn tokens(settings: &Settings) -> impl Iterator<Item = (Vec<String>, &Path)> {
    let service = (vec!["service".to_owned()], &settings.service.access);
    let selectors = settings.selectors.iter().map(|selector| {
        let key = ["bridge", "selectors", &selector.name].map(str::to_owned);
        (key.to_vec(), &selector.access)
    });
    let all = std::iter::once(service).chain(selectors);
    all.filter_map(|(key, access): (_, &Access)| Some((key, access.bearer_token_file.as_deref()?)))
}
