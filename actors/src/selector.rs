//! The actor of one selector: owns the source and serves scrapes.
//!
//! One actor serves all kinds of source and must not depend on a kind. It opens the source when
//! it starts, and drops it when it restarts.

use crate::faults::{FaultAction, FaultPoint};
use crate::reason::Reason;
use crate::scrape::{Scrape, ScrapeError, ScrapeResult};
use crate::single_flight::SingleFlight;
use crate::source::{self, SourceContext};
use actix::fut::WrapFuture;
use actix::{
    Actor, ActorContext, ActorFutureExt, ActorResponse, AsyncContext, Context, Handler, Message,
    Supervised,
};
use local_exporter_config as config;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

/// The actor of one selector.
pub(crate) struct SelectorActor {
    spec: Arc<config::Selector>,
    source_context: SourceContext,
    /// Set in `started`, and cleared by a restart.
    single_flight: Option<Rc<SingleFlight>>,
}

impl SelectorActor {
    pub(crate) fn new(spec: Arc<config::Selector>, source_context: SourceContext) -> Self {
        Self {
            spec,
            source_context,
            single_flight: None,
        }
    }

    /// Injects the fault that is scheduled at this point, if any.
    fn inject_fault(&self, point: FaultPoint, context: &mut Context<Self>) {
        if self.source_context.faults.inject(point) != FaultAction::Continue {
            context.stop();
        }
    }
}

impl Actor for SelectorActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        self.inject_fault(FaultPoint::Started, context);
        let source = source::kind(&self.spec.source).open(&self.spec, &self.source_context);
        if let Some(mut background) = Rc::clone(&source).background() {
            let faults = self.source_context.faults.clone();
            let background = poll_fn(move |context| {
                if faults.inject(FaultPoint::Background) != FaultAction::Continue {
                    return Poll::Ready(());
                }
                background.as_mut().poll(context)
            });
            // A background task never ends by design, so its end is a failure like a panic.
            let ended = background
                .into_actor(self)
                .map(|(), _, context| context.stop());
            context.spawn(ended);
        }
        self.single_flight = Some(Rc::new(SingleFlight::new(
            source,
            source::kind(&self.spec.source).label(),
            self.spec.limits,
            &self.source_context,
        )));
    }
}

impl Supervised for SelectorActor {
    fn restarting(&mut self, context: &mut Self::Context) {
        self.inject_fault(FaultPoint::Restarting, context);
        self.single_flight = None;
    }
}

impl Handler<Scrape> for SelectorActor {
    type Result = ActorResponse<Self, ScrapeResult>;

    fn handle(&mut self, scrape: Scrape, context: &mut Self::Context) -> Self::Result {
        self.inject_fault(FaultPoint::Handler, context);
        let Some(single_flight) = self.single_flight.clone() else {
            let error = ScrapeError::new(Reason::Crashed, "the actor has no open source");
            return ActorResponse::reply(Err(error));
        };
        if let Some(result) = single_flight.cached() {
            return ActorResponse::reply(result);
        }
        // Runs in the context of the actor, so that the supervisor catches its panics.
        let result = async move {
            let Scrape {
                deadline,
                permit,
                caller,
            } = scrape;
            let result = tokio::select! {
                result = single_flight.scrape(deadline) => result,
                // Leaves the pull, which ends when no scrape waits for it.
                () = caller.disconnected() => {
                    Err(ScrapeError::disconnected())
                },
            };
            drop(permit);
            result
        };
        ActorResponse::r#async(result.into_actor(self))
    }
}

/// The message that ends the actor, because its selector was removed.
#[derive(Debug)]
pub(crate) struct Shutdown;

impl Message for Shutdown {
    type Result = ();
}

impl Handler<Shutdown> for SelectorActor {
    type Result = ();

    fn handle(&mut self, _: Shutdown, context: &mut Self::Context) {
        context.terminate();
    }
}
