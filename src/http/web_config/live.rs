//! The web configuration in use, kept up to date with its files.
//!
//! Every request checks the file, and every handshake also the certificates; they are read
//! again only if they changed ([`FileBacked`]). As in the toolkit, a file that has become
//! invalid fails requests instead of admitting them by old rules. If only the certificates
//! are invalid, the last valid ones stay in use. Fixed at startup: whether there is TLS,
//! HTTP/2, and the rate limit.

use super::error::WebConfigError;
use super::file::WebConfig;
use super::passwords::{PasswordCheck, PasswordChecker};
use super::rate_limit::TokenBucket;
use super::tls::Protection;
use super::users::Users;
use crate::http::client::Peer;
use crate::http::file_backed::{FileBacked, Loaded, LoadedState};
use crate::metrics::ConnectionMetrics;
use local_exporter_actors::BlockingPool;
use local_exporter_actors::log_limit::{LogLimit, LogLine};
use local_exporter_config::shown;
use rustls::ServerConfig;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// A web configuration in use.
#[derive(Debug)]
pub(crate) struct LiveWebConfig {
    files: FileBacked<Contents>,
    protection: Protection,
    bucket: Option<Mutex<TokenBucket>>,
    passwords: Arc<PasswordChecker>,
}

/// The contents of the files when they were last read.
#[derive(Debug)]
struct Contents {
    rules: Result<Arc<WebConfig>, String>,
    /// TLS settings of handshakes, from the last valid certificates.
    tls: Option<Arc<ServerConfig>>,
    /// The error in the current certificates.
    certificate_error: Option<String>,
}

impl LiveWebConfig {
    /// Reads a file at startup, when everything in it must be valid. Blocks.
    ///
    /// # Errors
    /// The first error.
    pub(crate) fn open(
        path: &Path,
        metrics: &ConnectionMetrics,
        blocking: &BlockingPool,
    ) -> Result<Self, WebConfigError> {
        let first = WebConfig::read(path)?;
        let tls = first.server_config().transpose();
        let tls = tls.map_err(|message| WebConfigError::new(path, message))?;
        let protection = match tls {
            Some(_) => Protection::Tls,
            None => Protection::Plain,
        };
        let bucket = first
            .rate_limit
            .map(|limit| TokenBucket::new(limit, Instant::now()));
        let passwords = PasswordChecker::new(blocking.clone());
        let passwords = passwords.map_err(|message| WebConfigError::new(path, message))?;
        let changes = LogLimit::default();
        let first = Arc::new(Contents {
            rules: Ok(Arc::new(first)),
            tls,
            certificate_error: None,
        });
        let (path, metrics) = (path.to_owned(), metrics.clone());
        Ok(Self {
            files: FileBacked::new(first, blocking, move |last: &Arc<Contents>| {
                let contents = Contents::read(&path, protection, last);
                contents.report(&path, last, &metrics, &changes);
                let named = contents.rules.as_ref().map(|rules| rules.files());
                let files = std::iter::once(path.clone()).chain(named.unwrap_or_default());
                Loaded {
                    files: files.collect(),
                    state: match contents.error() {
                        None => LoadedState::Valid,
                        Some(_) => LoadedState::Invalid,
                    },
                    value: Arc::new(contents),
                }
            }),
            protection,
            bucket: bucket.map(Mutex::new),
            passwords: Arc::new(passwords),
        })
    }

    /// How connections are protected.
    #[must_use]
    pub(crate) fn protection(&self) -> Protection {
        self.protection
    }

    /// TLS settings for the next handshake; `None` without TLS.
    pub(crate) async fn tls(&self) -> Option<Arc<ServerConfig>> {
        match self.protection {
            Protection::Plain => None,
            Protection::Tls => self.files.get().await.tls.clone(),
        }
    }

    /// The rules for the next request; `None` while the file is invalid.
    pub(crate) async fn rules(&self) -> Option<Arc<WebConfig>> {
        self.files.get().await.rules.as_ref().ok().cloned()
    }

    /// Counts a request against the rate limit; returns whether it is allowed.
    #[must_use]
    pub(crate) fn allow_request(&self) -> bool {
        self.bucket.as_ref().is_none_or(|bucket| {
            let bucket = bucket.lock();
            let mut bucket = bucket.unwrap_or_else(PoisonError::into_inner);
            bucket.take(Instant::now())
        })
    }

    /// Checks the password of a client's user.
    pub(crate) async fn check_password(
        &self,
        users: &Users,
        peer: Option<&Peer>,
        name: &str,
        password: &[u8],
    ) -> PasswordCheck {
        self.passwords.check(users, peer, name, password).await
    }
}

impl Contents {
    /// Reads the files again.
    fn read(path: &Path, protection: Protection, last: &Self) -> Self {
        let config = match WebConfig::read(path) {
            Ok(config) => config,
            Err(error) => return last.with(Err(error.message), None),
        };
        match (protection, config.server_config()) {
            (Protection::Plain, None) => last.with(Ok(Arc::new(config)), None),
            (Protection::Plain, Some(_)) => {
                let message = "TLS was turned on, which requires a restart; \
                     requests without TLS are refused";
                last.with(Err(message.into()), None)
            }
            (Protection::Tls, None) => {
                let message = "TLS was turned off, which requires a restart";
                last.with(Err(message.into()), None)
            }
            (Protection::Tls, Some(Ok(tls))) => Self {
                rules: Ok(Arc::new(config)),
                tls: Some(tls),
                certificate_error: None,
            },
            (Protection::Tls, Some(Err(message))) => last.with(Ok(Arc::new(config)), Some(message)),
        }
    }

    /// New rules with the previous TLS settings.
    fn with(
        &self,
        rules: Result<Arc<WebConfig>, String>,
        certificate_error: Option<String>,
    ) -> Self {
        Self {
            rules,
            tls: self.tls.clone(),
            certificate_error,
        }
    }

    /// The error in the rules, otherwise in the certificates.
    fn error(&self) -> Option<&str> {
        let rules = self.rules.as_ref().err();
        rules
            .or(self.certificate_error.as_ref())
            .map(String::as_str)
    }

    /// Logs a new error, or a recovery, once and at a limited rate; sets the metric.
    fn report(&self, path: &Path, last: &Self, metrics: &ConnectionMetrics, changes: &LogLimit) {
        metrics.web_config(self.error().is_none());
        let line = match self.error() == last.error() {
            true => changes.overdue(),
            false => changes.event(),
        };
        let Some(suppressed) = line.map(LogLine::suppressed) else {
            return;
        };
        let path = shown(path);
        match (&self.rules, self.error()) {
            (_, None) => tracing::info!(%path, suppressed, "web configuration is valid again"),
            (Err(_), Some(error)) => {
                tracing::error!(%path, error, suppressed, "invalid web configuration; refusing requests");
            }
            (Ok(_), Some(error)) => {
                tracing::error!(%path, error, suppressed, "invalid certificates; keeping the last valid ones");
            }
        }
    }
}
