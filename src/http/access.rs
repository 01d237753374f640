//! Who may ask: networks, users, tokens, and how often.
//!
//! Every request passes here before any page is looked for. In this order, as
//! in the exporter-toolkit, with our own additions in their places: the networks
//! (403), a web configuration that cannot be read (500), the rate (429), the
//! headers of every response, users and tokens (401). Where both users and a
//! token are configured, either will do. Of a selector with its own access, its
//! networks must allow the client too, and its token stands in place of users and
//! the service's token. Nothing here knows what a page holds.

mod authorization;
mod files;
mod networks;
mod tokens;

pub(crate) use files::{external_errors, files};

use crate::exporter::Exporter;
use crate::http::reply;
use crate::http::web_config::current::{Current, Protection};
use crate::http::web_config::passwords::Verdict;
use crate::http::web_config::{Users, WebConfig};
use crate::metrics::ConnectionMetrics;
use actix_web::{HttpRequest, HttpResponse};
use authorization::{Authorization, Challenges};
use local_exporter_config::{Access, Settings};
use rustls::ServerConfig;
use std::path::Path;
use std::sync::Arc;
use tokens::Tokens;

/// The path of the page on which a selector's token does in place of the service's.
const BRIDGE: &str = "/bridge";

/// What every request and every handshake passes.
#[derive(Debug)]
pub(crate) struct Gate {
    web: Option<Current>,
    tokens: Tokens,
}

/// What is to be done with a request.
#[derive(Debug)]
pub(crate) struct Judgement {
    /// The rules by which it was judged, for the headers of its response.
    pub rules: Option<Arc<WebConfig>>,
    /// The response, where it may not pass.
    pub refusal: Option<HttpResponse>,
}

impl Gate {
    /// Reads the web configuration for the first time. Blocks.
    ///
    /// # Errors
    /// What [`external_errors`] finds of the service; a token that cannot be read refuses
    /// those who need it, no others.
    pub(crate) fn open(settings: &Settings, metrics: &ConnectionMetrics) -> Result<Self, String> {
        if let Some(error) = files::service_error(&settings.service) {
            return Err(error.found);
        }
        let web = settings.service.web_config.as_deref();
        let web = web.map(|path| Current::start(path, metrics)).transpose();
        Ok(Self {
            web: web.map_err(|broken| broken.to_string())?,
            tokens: Tokens::default(),
        })
    }

    /// What connections are protected by, from the start on.
    #[must_use]
    pub(crate) fn protection(&self) -> Protection {
        self.web
            .as_ref()
            .map_or(Protection::Plain, Current::protection)
    }

    /// What the next handshake gets; nothing where there is no TLS.
    pub(crate) async fn tls(&self) -> Option<Arc<ServerConfig>> {
        self.web.as_ref()?.tls().await
    }

    /// Whether a request may pass, and by which rules.
    pub(crate) async fn judge(&self, request: &HttpRequest, exporter: &Exporter) -> Judgement {
        let settings = exporter.settings.load_full();
        let service = &settings.service;
        let own = own_access(request, exporter);
        let allowed = |access: &Access| networks::allow(&access.allow_from, request.conn_data());
        if !allowed(&service.access) || !own.as_ref().is_none_or(allowed) {
            return Judgement::refused(reply::forbidden("Forbidden\n"));
        }
        let mut rules = None;
        if let Some(web) = &self.web {
            rules = web.rules().await;
            if rules.is_none() {
                let message = "the web configuration cannot be used; the log says why";
                return Judgement::refused(reply::internal(message));
            }
            if !web.take() {
                return Judgement::refused(reply::too_many_requests());
            }
        }
        let users = rules
            .as_ref()
            .map(|rules| &rules.users)
            .filter(|users| !users.is_empty());
        let service = Demand {
            users,
            token: service.access.bearer_token_file.as_deref(),
        };
        let own = own.and_then(|access| access.bearer_token_file);
        let own = Demand {
            users: None,
            token: own.as_deref(),
        };
        let bridge = request.path() == format!("{}{BRIDGE}", settings.service.paths.prefix);
        let refusal = match (own.token, bridge) {
            (None, _) => self.demand(request, service).await,
            (Some(_), true) => self.demand(request, own).await,
            // It opens the selector, not what else this page may be.
            (Some(_), false) => match self.demand(request, service).await {
                Ok(()) => self.demand(request, own).await,
                refused => refused,
            },
        };
        Judgement {
            rules,
            refusal: refusal.err(),
        }
    }

    /// Whether a request comes with what is demanded.
    async fn demand(&self, request: &HttpRequest, demand: Demand<'_>) -> Result<(), HttpResponse> {
        if demand.users.is_none() && demand.token.is_none() {
            return Ok(());
        }
        let given = Authorization::read(request.headers());
        let right = match (given, demand.users, demand.token, &self.web) {
            (Authorization::Basic { name, password }, Some(users), _, Some(web)) => {
                match web.check(users, &name, &password).await {
                    Verdict::Right => true,
                    Verdict::Wrong => false,
                    Verdict::Busy => return Err(reply::too_busy()),
                }
            }
            (Authorization::Bearer(token), _, Some(file), _) => {
                let right = self.tokens.is_right(file, &token).await;
                right.map_err(|message| reply::internal(&message))?
            }
            _ => false,
        };
        let challenges = Challenges {
            basic: demand.users.is_some(),
            bearer: demand.token.is_some(),
        };
        match right {
            true => Ok(()),
            false => Err(reply::unauthorized(challenges.words())),
        }
    }
}

/// What a request has to come with: one of these, if there is any.
#[derive(Clone, Copy, Debug)]
struct Demand<'s> {
    users: Option<&'s Users>,
    token: Option<&'s Path>,
}

impl Judgement {
    fn refused(response: HttpResponse) -> Self {
        Self {
            rules: None,
            refusal: Some(response),
        }
    }
}

/// The access of the selector that a query names, whatever the path is, since a
/// path can be written in more ways than one.
fn own_access(request: &HttpRequest, exporter: &Exporter) -> Option<Access> {
    let mut pairs = form_urlencoded::parse(request.query_string().as_bytes());
    let (_, name) = pairs.find(|(key, _)| key == "selector")?;
    let registry = exporter.registry.load();
    let access = &registry.get(&name)?.spec().access;
    (*access != Access::default()).then(|| access.clone())
}
