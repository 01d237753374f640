//! The routes behind the authorizer. Each request keeps its connection busy until its
//! response is written.
//!
//! [`multiplexed`](super::multiplexed) limits what actix-http does not limit on multiplexed
//! connections.

use super::context::{InUse, ServerContext};
use super::multiplexed::unless_cancelled;
use super::tracked_body::TrackedBody;
use crate::http::access::{self, AuthDecision, Authorizer};
use crate::http::connections::{ConnectionSlot, Multiplexing, Priority};
use actix_http::{ConnectionType, Request, Response};
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt};
use actix_service::{apply_fn_factory, map_config};
use actix_web::App;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{AppConfig, Service, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Next, from_fn};
use std::sync::Arc;

/// Builds the application. Called once on each worker thread.
pub(super) fn application(
    context: &ServerContext,
) -> impl ServiceFactory<
    Request,
    Config = (),
    Response = Response<TrackedBody>,
    Error = Response<BoxBody>,
    InitError = (),
> + use<> {
    let (authorizer, in_use) = (Arc::clone(&context.authorizer), Arc::clone(&context.in_use));
    let app = App::new()
        .configure(|service| (context.pages)(service))
        .wrap(from_fn(move |request, next| {
            authorize(Arc::clone(&authorizer), Arc::clone(&in_use), request, next)
        }));
    let app = map_config(app.into_factory(), |()| AppConfig::default());
    let app = app.map_err(|error: actix_web::Error| Response::from(error));
    apply_fn_factory(app, |mut request: Request, app| {
        let slot = request.conn_data::<Arc<ConnectionSlot>>().map(Arc::clone);
        let multiplexing = request.conn_data().copied().unwrap_or(Multiplexing::Off);
        let busy = slot.as_ref().map(ConnectionSlot::begin_request);
        let multiplexed = (multiplexing == Multiplexing::On).then(|| request.take_payload());
        let response = app.call(request);
        async move {
            let response: ServiceResponse<_> = match (&slot, multiplexed) {
                (Some(slot), Some(body)) => unless_cancelled(slot, body, response).await?,
                _ => response.await?,
            };
            let mut response = Response::from(response.map_into_boxed_body());
            let is_reserved = |slot: &Arc<ConnectionSlot>| slot.priority() == Priority::Reserved;
            if slot.as_ref().is_some_and(is_reserved) {
                response
                    .head_mut()
                    .set_connection_type(ConnectionType::Close);
            }
            Ok(response.map_body(|_, body| {
                let body = TrackedBody::new(body, busy);
                match (slot, multiplexing) {
                    (Some(slot), Multiplexing::On) => body.with_timeout(slot),
                    _ => body,
                }
            }))
        }
    })
}

/// Authorizes a request, then routes it. The headers of the web configuration are set on
/// every response, refusals included.
async fn authorize(
    authorizer: Arc<Authorizer>,
    in_use: InUse,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let (settings, registry) = in_use();
    let selector = access::of_selector(request.request(), &registry);
    // A reload stops removed selectors once the last reference to the registry is dropped.
    drop(registry);
    let decision = authorizer.authorize(request.request(), &settings, selector.as_ref());
    let AuthDecision { rules, refusal } = decision.await;
    let mut response = match refusal {
        Some(refusal) => request.into_response(refusal),
        None => next.call(request).await?.map_into_boxed_body(),
    };
    if let Some(rules) = rules {
        rules.headers.set(response.headers_mut());
    }
    Ok(response)
}
