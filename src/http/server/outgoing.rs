//! Admits the bodies of responses: how much of them clients may leave unread.

use crate::http::body::{Piece, take_pieces};
use crate::http::connections::{ConnectionSlot, Priority, UnreadBody};
use crate::http::reply::{self, OfSelector};
use actix_http::Response;
use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::dev::ServiceResponse;
use std::sync::Arc;

/// The largest response, in bytes, on a reserved connection: it fits into the buffers of the
/// kernel, so the slot is free again at once.
const MAX_RESERVED: usize = 64 * 1024;

/// The body of a response that was admitted.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    pub(super) pieces: Vec<Piece>,
    pub(super) unread: Option<UnreadBody>,
}

/// Admits the body of a response, and attaches it to the response as [`Outgoing`]. A response
/// that is not admitted is replaced by one that says why.
pub(super) fn admit(response: ServiceResponse<BoxBody>) -> ServiceResponse<()> {
    let (request, response) = response.into_parts();
    let slot = request.conn_data::<Arc<ConnectionSlot>>();
    let (mut head, outgoing) = match slot {
        None => parts(response),
        Some(slot) => admit_on(slot, response),
    };
    head.extensions_mut().insert(outgoing);
    ServiceResponse::new(request, head)
}

/// Takes the body that [`admit`] has attached.
pub(super) fn take(response: &mut Response<()>) -> Outgoing {
    response.extensions_mut().remove().unwrap_or_default()
}

fn admit_on(slot: &Arc<ConnectionSlot>, response: HttpResponse) -> (HttpResponse<()>, Outgoing) {
    let (head, mut outgoing) = parts(response);
    let size: usize = outgoing.pieces.iter().map(Piece::len).sum();
    if slot.priority() == Priority::Reserved && size > MAX_RESERVED {
        return parts(reply::too_large_for_reserve());
    }
    outgoing.unread = slot.add_unread(&outgoing.pieces);
    if outgoing.unread.is_some() {
        return (head, outgoing);
    }
    let refusal = reply::too_many_unread(head.extensions().get::<OfSelector>());
    parts(refusal)
}

/// A response and its body.
fn parts(response: HttpResponse) -> (HttpResponse<()>, Outgoing) {
    let (head, pieces) = match take_pieces(response) {
        Ok((head, pieces)) => (head, pieces),
        Err(_) => (
            reply::internal("the body of the response is not in memory").drop_body(),
            Vec::new(),
        ),
    };
    let unread = None;
    (head, Outgoing { pieces, unread })
}
