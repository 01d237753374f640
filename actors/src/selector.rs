//! The actor of one selector: it owns the source and answers scrapes.
//!
//! All kinds of source have this one actor. It opens its source when it starts
//! and drops it when it restarts; it may not know which kind it is.

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
    surroundings: SourceContext,
    /// Between `started` and the next failure.
    single_flight: Option<Rc<SingleFlight>>,
}

impl SelectorActor {
    pub(crate) fn new(spec: Arc<config::Selector>, surroundings: SourceContext) -> Self {
        Self {
            spec,
            surroundings,
            single_flight: None,
        }
    }

    /// A failure, where one was ordered.
    fn inject(&self, place: FaultPoint, context: &mut Context<Self>) {
        if self.surroundings.faults.inject(place) != FaultAction::Continue {
            context.stop();
        }
    }
}

impl Actor for SelectorActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        self.inject(FaultPoint::Started, context);
        let source = source::kind(&self.spec.source).open(&self.spec, &self.surroundings);
        if let Some(mut background) = Rc::clone(&source).background() {
            let faults = self.surroundings.faults.clone();
            let background = poll_fn(move |context| {
                if faults.inject(FaultPoint::Background) != FaultAction::Continue {
                    return Poll::Ready(());
                }
                background.as_mut().poll(context)
            });
            // Upkeep never ends while all is well: an end is a failure like a panic.
            let ended = background
                .into_actor(self)
                .map(|(), _, context| context.stop());
            context.spawn(ended);
        }
        self.single_flight = Some(Rc::new(SingleFlight::new(
            source,
            source::kind(&self.spec.source).label(),
            self.spec.limits,
            &self.surroundings,
        )));
    }
}

impl Supervised for SelectorActor {
    fn restarting(&mut self, context: &mut Self::Context) {
        self.inject(FaultPoint::Restarting, context);
        self.single_flight = None;
    }
}

impl Handler<Scrape> for SelectorActor {
    type Result = ActorResponse<Self, ScrapeResult>;

    fn handle(&mut self, scrape: Scrape, context: &mut Self::Context) -> Self::Result {
        self.inject(FaultPoint::Handler, context);
        let Some(single_flight) = self.single_flight.clone() else {
            let error = ScrapeError::new(Reason::Crashed, "its actor has no source open");
            return ActorResponse::reply(Err(error));
        };
        if let Some(answer) = single_flight.cached() {
            return ActorResponse::reply(answer);
        }
        // In the context, so that a panic in it is seen by the supervisor.
        let answer = async move {
            let Scrape {
                deadline,
                permit,
                caller,
            } = scrape;
            let answer = tokio::select! {
                answer = single_flight.scrape(deadline) => answer,
                // Its share in the pull ends, and the pull with the last of them.
                () = caller.disconnected() => Err(ScrapeError::new(Reason::Timeout, "nobody waits for it")),
            };
            drop(permit);
            answer
        };
        ActorResponse::r#async(answer.into_actor(self))
    }
}

/// The selector was removed: the actor ends for good.
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
