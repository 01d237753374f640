//! The checks of a request, in their order.
//!
//! The order is that of the exporter-toolkit, with our additions: the networks (403), a web
//! configuration that cannot be read (500), the rate limit (429), the headers of every
//! response, users and tokens (401). If both users and a token are configured, either is
//! sufficient. For a selector with its own access settings, its networks must allow the
//! client too, and its token replaces users and the service's token.

use super::authorization::{Authorization, Challenges};
use super::files;
use super::networks;
use super::tokens::Tokens;
use crate::http::reply;
use crate::http::web_config::{LiveWebConfig, PasswordCheck, Protection, Users, WebConfig};
use crate::metrics::ConnectionMetrics;
use actix_web::{HttpRequest, HttpResponse};
use local_exporter_actors::{BlockingPool, Registry};
use local_exporter_config::{Access, PathAccess, Settings, shown};
use rustls::ServerConfig;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Path of the page on which a selector's token replaces the service's.
const BRIDGE: &str = "/bridge";

/// Decides about every handshake and every request.
#[derive(Debug)]
pub(crate) struct Authorizer {
    web: Option<LiveWebConfig>,
    tokens: Tokens,
    /// The settings of the latest request.
    latest: Mutex<Weak<Settings>>,
}

/// The decision about a request.
#[derive(Debug)]
pub(crate) struct AuthDecision {
    /// The web configuration that was applied; its headers go into the response.
    pub(crate) rules: Option<Arc<WebConfig>>,
    /// The response to a request that is refused.
    pub(crate) refusal: Option<HttpResponse>,
}

/// Credentials of which a request must present one; if none is set, it needs none.
#[derive(Clone, Copy, Debug)]
struct Required<'s> {
    users: Option<&'s Users>,
    token: Option<&'s Path>,
}

impl Authorizer {
    /// Reads the web configuration at startup, with a deadline.
    ///
    /// # Errors
    /// Those of [`external_errors`](super::external_errors) about the service. A token that
    /// cannot be read is not one of them: it only refuses the requests that need it.
    pub(crate) fn open(
        settings: &Settings,
        metrics: &ConnectionMetrics,
        access: &PathAccess,
        blocking: &BlockingPool,
    ) -> Result<Self, String> {
        if let Some(error) = files::service_error(&settings.service, access) {
            return Err(error.found);
        }
        let web = settings.service.web_config.clone().map(|path| {
            let (opened, metrics) = (path.clone(), metrics.clone());
            let blocking = blocking.clone();
            let web = access.run(&path, move || {
                LiveWebConfig::open(&opened, &metrics, &blocking)
            });
            let web = web.map_err(|error| format!("{}: {error}", shown(&path)))?;
            web.map_err(|error| error.to_string())
        });
        Ok(Self {
            web: web.transpose()?,
            tokens: Tokens::new(blocking.clone())?,
            latest: Mutex::default(),
        })
    }

    /// How connections are protected. Fixed at startup.
    #[must_use]
    pub(crate) fn protection(&self) -> Protection {
        self.web
            .as_ref()
            .map_or(Protection::Plain, LiveWebConfig::protection)
    }

    /// After a reload, forgets the tokens of all files that the settings no longer name.
    fn forget_unused(&self, settings: &Arc<Settings>) {
        let now = Arc::downgrade(settings);
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *latest, now.clone());
        drop(latest);
        if !before.ptr_eq(&now) {
            let selectors = settings.selectors.iter().map(|selector| &selector.access);
            let used = selectors.chain([&settings.service.access]);
            let files = used.filter_map(|access| access.bearer_token_file.as_deref());
            self.tokens.retain(files);
        }
    }

    /// TLS settings for the next handshake; `None` without TLS.
    pub(crate) async fn tls(&self) -> Option<Arc<ServerConfig>> {
        self.web.as_ref()?.tls().await
    }

    /// Decides whether a request is allowed. `selector` is the result of [`of_selector`].
    pub(crate) async fn authorize(
        &self,
        request: &HttpRequest,
        settings: &Arc<Settings>,
        selector: Option<&Access>,
    ) -> AuthDecision {
        self.forget_unused(settings);
        let service = &settings.service.access;
        let allowed = |access: &Access| networks::allow(&access.allow_from, request.conn_data());
        if !allowed(service) || !selector.is_none_or(allowed) {
            return AuthDecision::refused(reply::forbidden("Forbidden\n"));
        }
        let mut rules = None;
        if let Some(web) = &self.web {
            rules = web.rules().await;
            if rules.is_none() {
                let message = "cannot use the web configuration; see the log";
                return AuthDecision::refused(reply::internal(message));
            }
            if !web.allow_request() {
                return AuthDecision::refused(reply::too_many_requests());
            }
        }
        let users = rules.as_ref().map(|rules| &rules.users);
        let service = Required {
            users: users.filter(|users| !users.is_empty()),
            token: service.bearer_token_file.as_deref(),
        };
        let selector = Required {
            users: None,
            token: selector.and_then(|access| access.bearer_token_file.as_deref()),
        };
        let bridge = request.path() == format!("{}{BRIDGE}", settings.service.paths.prefix);
        let result = match (selector.token, bridge) {
            (None, _) => self.require(request, service).await,
            (Some(_), true) => self.require(request, selector).await,
            // The selector's token gives access to the selector, not to other pages.
            (Some(_), false) => match self.require(request, service).await {
                Ok(()) => self.require(request, selector).await,
                refused => refused,
            },
        };
        AuthDecision {
            rules,
            refusal: result.err(),
        }
    }

    /// Checks that a request presents the required credentials.
    async fn require(
        &self,
        request: &HttpRequest,
        required: Required<'_>,
    ) -> Result<(), HttpResponse> {
        if required.users.is_none() && required.token.is_none() {
            return Ok(());
        }
        let presented = Authorization::read(request.headers());
        let valid = match (presented, required.users, required.token, &self.web) {
            (Authorization::Basic { name, password }, Some(users), _, Some(web)) => {
                let peer = request.conn_data();
                match web.check_password(users, peer, &name, &password).await {
                    PasswordCheck::Correct => true,
                    PasswordCheck::Wrong => false,
                    PasswordCheck::Busy => return Err(reply::too_busy()),
                }
            }
            (Authorization::Bearer(token), _, Some(file), _) => {
                let matches = self.tokens.matches(file, &token).await;
                matches.map_err(|message| reply::internal(&message))?
            }
            _ => false,
        };
        let challenges = Challenges {
            basic: required.users.is_some(),
            bearer: required.token.is_some(),
        };
        match valid {
            true => Ok(()),
            false => Err(reply::unauthorized(challenges.schemes())),
        }
    }
}

impl AuthDecision {
    fn refused(response: HttpResponse) -> Self {
        Self {
            rules: None,
            refusal: Some(response),
        }
    }
}

/// The access settings of the selector that the query names, if it has any. The path is not
/// checked, because the same path can be written in several ways.
#[must_use]
pub(crate) fn of_selector(request: &HttpRequest, registry: &Registry) -> Option<Access> {
    let mut pairs = form_urlencoded::parse(request.query_string().as_bytes());
    let (_, name) = pairs.find(|(key, _)| key == "selector")?;
    let access = &registry.get(&name)?.spec().access;
    (*access != Access::default()).then(|| access.clone())
}
