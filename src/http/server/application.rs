//! The routes behind the authorizer. Each request keeps its connection busy until its
//! response is written.
//!
//! [`multiplexed`](super::multiplexed) limits what actix-http does not limit on multiplexed
//! connections.

use super::context::{InUse, ServerContext};
use super::multiplexed::unless_cancelled;
use super::outgoing;
use super::tracked_body::TrackedBody;
use crate::http::access::{self, AuthDecision, Authorizer};
use crate::http::connections::{ConnectionSlot, Multiplexing, Priority};
use actix_http::{ConnectionType, Payload, Request, Response};
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
        let multiplexed = match multiplexing {
            Multiplexing::On => slot.clone().map(|slot| (slot, request.take_payload())),
            Multiplexing::Off => None,
        };
        if let (Some(slot), Payload::H1 { .. }) = (&slot, request.payload()) {
            slot.set_request_body();
        }
        let response = app.call(request);
        async move {
            let Some((connection, body)) = multiplexed else {
                let mut response = Response::from(response.await?);
                let outgoing = outgoing::take(&mut response);
                if slot
                    .as_ref()
                    .is_some_and(|slot| slot.priority() == Priority::Reserved)
                {
                    let head = response.head_mut();
                    head.set_connection_type(ConnectionType::Close);
                }
                return Ok(response.set_body(TrackedBody::new(outgoing, slot, busy)));
            };
            let response = async {
                let response = Response::from(response.await?);
                // Waits, with its body counted as unread, while others are being sent.
                Ok((response, connection.may_send().await))
            };
            let (mut response, permit) = unless_cancelled(&connection, body, response).await?;
            let outgoing = outgoing::take(&mut response);
            let body = TrackedBody::new(outgoing, slot, busy);
            Ok(response.set_body(body.multiplexed(connection, permit)))
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
) -> Result<ServiceResponse<()>, actix_web::Error> {
    let (settings, registry) = in_use();
    let selector = access::of_selector(request.request(), &registry);
    // A reload stops removed selectors once the last reference to the registry is dropped.
    drop(registry);
    let decision = authorizer.authorize(request.request(), &settings, selector.as_ref());
    let AuthDecision { rules, refusal } = decision.await;
    let response = match refusal {
        Some(refusal) => request.into_response(refusal),
        None => next.call(request).await?.map_into_boxed_body(),
    };
    let mut response = outgoing::admit(response);
    if let Some(rules) = rules {
        rules.headers.set(response.headers_mut());
    }
    Ok(response)
}
