//! The routes behind the gate, with the seat of a request's connection occupied
//! until its answer is written.
//!
//! What actix-http leaves open on multiplexed connections is bounded: see
//! [`multiplexed`](super::multiplexed). It may not know what is asked.

use super::Common;
use super::multiplexed::unless_gone;
use crate::exporter::Exporter;
use crate::http::access::{Gate, Judgement};
use crate::http::body::Served;
use crate::http::connections::{Class, Seat, Turns};
use actix_http::{ConnectionType, Request, Response};
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt};
use actix_service::{apply_fn_factory, map_config};
use actix_web::App;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{AppConfig, Service, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::Data;
use std::sync::Arc;

/// The routes behind the gate, with the seat of a request's connection occupied until its answer is written.
pub(super) fn application(
    common: &Common,
) -> impl ServiceFactory<
    Request,
    Config = (),
    Response = Response<Served>,
    Error = Response<BoxBody>,
    InitError = (),
> + use<> {
    let exporter = common.exporter.clone();
    // This runs on the worker that it is for.
    exporter.liveness.add_current_thread();
    let (gate, pages) = (Arc::clone(&common.gate), common.pages);
    let paths = exporter.settings.load().service.paths.clone();
    let app = App::new()
        .app_data(exporter.clone())
        .configure(|service| pages(service, &paths))
        .wrap(from_fn(move |request, next| {
            pass(Arc::clone(&gate), exporter.clone(), request, next)
        }));
    let app = map_config(app.into_factory(), |()| AppConfig::default());
    let app = app.map_err(|error: actix_web::Error| Response::from(error));
    apply_fn_factory(app, |mut request: Request, app| {
        let seat = request.conn_data::<Arc<Seat>>().map(Arc::clone);
        let turns = request.conn_data().copied().unwrap_or(Turns::InTurn);
        let occupied = seat.as_ref().map(Seat::serve);
        let multiplexed = (turns == Turns::Multiplexed).then(|| request.take_payload());
        let answer = app.call(request);
        async move {
            let response: ServiceResponse<_> = match (&seat, multiplexed) {
                (Some(seat), Some(body)) => unless_gone(seat, body, answer).await?,
                _ => answer.await?,
            };
            let mut response = Response::from(response.map_into_boxed_body());
            let last = seat
                .as_ref()
                .is_some_and(|seat| seat.class() == Class::Reserved);
            if last {
                response
                    .head_mut()
                    .set_connection_type(ConnectionType::Close);
            }
            Ok(response.map_body(|_, body| {
                let served = Served::new(body, occupied);
                match (seat, turns) {
                    (Some(seat), Turns::Multiplexed) => served.bounded(seat),
                    _ => served,
                }
            }))
        }
    })
}

/// A request that passes the gate becomes an answer of the routes; one that does
/// not, that of the gate. The headers of the web configuration go on both.
async fn pass(
    gate: Arc<Gate>,
    exporter: Data<Exporter>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let Judgement { rules, refusal } = gate.judge(request.request(), &exporter).await;
    let mut response = match refusal {
        Some(refusal) => request.into_response(refusal),
        None => next.call(request).await?.map_into_boxed_body(),
    };
    if let Some(rules) = rules {
        rules.headers.set(response.headers_mut());
    }
    Ok(response)
}
