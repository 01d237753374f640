//! The web configuration in use: as new as its files.
//!
//! The file is looked at for every request, and its certificates for every
//! handshake; they are read again only when they have changed ([`super::fresh`]).
//! A file that has become wrong fails requests rather than let them pass by old
//! rules, as in the toolkit; a certificate that has become wrong leaves the last
//! good one in place. What was decided at the start stays: whether there is TLS,
//! HTTP/2, and the rate.

use super::bucket::Bucket;
use super::fresh::{Fresh, Made, MadeState};
use super::passwords::{Passwords, Verdict};
use super::users::Users;
use super::{Broken, WebConfig, broken};
use crate::metrics::ConnectionMetrics;
use rustls::ServerConfig;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// A web configuration in use.
#[derive(Debug)]
pub(crate) struct Current {
    files: Fresh<Loaded>,
    protection: Protection,
    bucket: Option<Mutex<Bucket>>,
    passwords: Arc<Passwords>,
}

/// What connections are protected by, from the start on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protection {
    /// Nothing.
    Plain,
    /// TLS.
    Tls,
}

/// What the files say, as they were last read.
#[derive(Debug)]
struct Loaded {
    rules: Result<Arc<WebConfig>, String>,
    /// What handshakes get, which is the last that was good.
    tls: Option<Arc<ServerConfig>>,
    /// What is wrong with the certificates of now.
    certificates: Option<String>,
}

impl Current {
    /// Reads a file for the first time, when everything in it has to be right. Blocks.
    ///
    /// # Errors
    /// The first error.
    pub(crate) fn start(path: &Path, metrics: &ConnectionMetrics) -> Result<Self, Broken> {
        let first = WebConfig::read(path)?;
        let tls = first.server_config().transpose();
        let tls = tls.map_err(|sentence| broken(path, sentence))?;
        let protection = if tls.is_some() {
            Protection::Tls
        } else {
            Protection::Plain
        };
        let bucket = first.rate.map(|rate| Bucket::new(rate, Instant::now()));
        let first = Arc::new(Loaded {
            rules: Ok(Arc::new(first)),
            tls,
            certificates: None,
        });
        let (path, metrics) = (path.to_owned(), metrics.clone());
        Ok(Self {
            files: Fresh::new(first, move |last: &Arc<Loaded>| {
                let loaded = Loaded::again(&path, protection, last);
                loaded.tell(&path, last, &metrics);
                let named = loaded.rules.as_ref().map(|rules| rules.files());
                let files = std::iter::once(path.clone()).chain(named.unwrap_or_default());
                Made {
                    files: files.collect(),
                    state: match loaded.error() {
                        None => MadeState::Good,
                        Some(_) => MadeState::Wrong,
                    },
                    value: Arc::new(loaded),
                }
            }),
            protection,
            bucket: bucket.map(Mutex::new),
            passwords: Arc::new(Passwords::new()),
        })
    }

    /// What connections are protected by.
    #[must_use]
    pub(crate) fn protection(&self) -> Protection {
        self.protection
    }

    /// What the next handshake gets; nothing where there is no TLS.
    pub(crate) async fn tls(&self) -> Option<Arc<ServerConfig>> {
        match self.protection {
            Protection::Plain => None,
            Protection::Tls => self.files.get().await.tls.clone(),
        }
    }

    /// The rules for the next request; `None` while the file is wrong.
    pub(crate) async fn rules(&self) -> Option<Arc<WebConfig>> {
        self.files.get().await.rules.as_ref().ok().cloned()
    }

    /// Whether the rate allows one more request.
    #[must_use]
    pub(crate) fn take(&self) -> bool {
        self.bucket.as_ref().is_none_or(|bucket| {
            let bucket = bucket.lock();
            let mut bucket = bucket.unwrap_or_else(PoisonError::into_inner);
            bucket.take(Instant::now())
        })
    }

    /// Whether a password is the user's.
    pub(crate) async fn check(&self, users: &Users, name: &str, password: &[u8]) -> Verdict {
        self.passwords.check(users, name, password).await
    }
}

impl Loaded {
    /// The files as they are now.
    fn again(path: &Path, protection: Protection, last: &Self) -> Self {
        let config = match WebConfig::read(path).map_err(|broken| broken.sentence) {
            Ok(config) => config,
            Err(sentence) => return last.with(Err(sentence), None),
        };
        match (protection, config.server_config()) {
            (Protection::Plain, None) => last.with(Ok(Arc::new(config)), None),
            (Protection::Plain, Some(_)) => {
                let sentence =
                    "TLS was turned on, which takes a restart: nothing is served in plain";
                last.with(Err(sentence.into()), None)
            }
            (Protection::Tls, None) => {
                let sentence = "TLS was turned off, which takes a restart";
                last.with(Err(sentence.into()), None)
            }
            (Protection::Tls, Some(Ok(tls))) => Self {
                rules: Ok(Arc::new(config)),
                tls: Some(tls),
                certificates: None,
            },
            (Protection::Tls, Some(Err(sentence))) => {
                last.with(Ok(Arc::new(config)), Some(sentence))
            }
        }
    }

    /// With the TLS of before.
    fn with(&self, rules: Result<Arc<WebConfig>, String>, certificates: Option<String>) -> Self {
        Self {
            rules,
            tls: self.tls.clone(),
            certificates,
        }
    }

    /// What is wrong, if anything is.
    fn error(&self) -> Option<&str> {
        let rules = self.rules.as_ref().err();
        rules.or(self.certificates.as_ref()).map(String::as_str)
    }

    /// Says once what became wrong, and once that it is right again.
    fn tell(&self, path: &Path, last: &Self, metrics: &ConnectionMetrics) {
        metrics.web_config(self.error().is_none());
        if self.error() == last.error() {
            return;
        }
        let file = path.display();
        match (&self.rules, self.error()) {
            (_, None) => tracing::info!(path = %file, "the web configuration is right again"),
            (Err(_), Some(error)) => {
                tracing::error!(path = %file, error, "the web configuration cannot be used: requests are refused");
            }
            (Ok(_), Some(error)) => {
                tracing::error!(path = %file, error, "the new certificates cannot be used: the last good ones stay");
            }
        }
    }
}
