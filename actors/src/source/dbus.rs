//! Kind `dbus`: calls one method, which returns the exposition.
//!
//! Each source has its own connection, unless many sources use one bus: then they share some, see
//! `connection_permits`. A bus counts unanswered calls per connection (dbus-daemon refuses further ones after
//! 128), so a daemon that does not reply must not affect other sources. A connection is made on
//! demand, kept while it works, and dropped after a call that did not end.

mod address;
mod authentication;
mod bus_error;
mod by_bus;
mod call;
mod connection_permits;
mod frames;
mod link;
mod payload;
mod remedy;
mod reply;
mod text;
mod user;
mod wire;

pub use payload::payload;
pub use reply::refusal;

use super::kind::{Descriptors, FileAccess, Kind, RequiredPath, Source, SourceContext};
use crate::blocking::BlockingPool;
use crate::reason::Reason;
use crate::scrape::{ScrapeError, ScrapeResult};
use crate::validator::Validator;
use bytes::Bytes;
use call::call;
use futures_util::future::LocalBoxFuture;
use link::{Age, Link, Sharing};
use local_exporter_config::{DbusSource, Selector};
use reply::LinkState;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::Semaphore;
use zbus::message::Message;

/// Replies larger than this, in bytes, are read on the blocking pool: reading one structure per
/// byte would delay the other selectors of the thread.
const MAX_INLINE_BYTES: usize = 256 * 1024;

/// The attempts of one pull: on a shared connection that broke, on another one that broke, and on a
/// new one.
const MAX_ATTEMPTS: u32 = 3;

impl Kind for DbusSource {
    fn label(&self) -> String {
        let Self {
            destination,
            path,
            interface,
            member,
            ..
        } = self;
        format!("{destination} {path} {interface}.{member}")
    }

    fn open(&self, selector: &Selector, context: &SourceContext) -> Rc<dyn Source> {
        let validator = Validator::new(selector.body_policy).with_faults(&context.faults);
        let max_bytes = selector.limits.max_bytes;
        Rc::new(Dbus::new(self.clone(), max_bytes, validator, context))
    }

    fn access(&self) -> FileAccess {
        FileAccess {
            directories: BTreeSet::new(),
            sockets: address::sockets(&self.bus),
        }
    }

    fn required_paths(&self) -> Vec<RequiredPath> {
        let path = address::required_path(&self.bus);
        path.into_iter().map(RequiredPath::Socket).collect()
    }

    /// The connection to the bus is kept.
    fn descriptors(&self) -> Descriptors {
        Descriptors {
            kept: 1,
            background: 0,
        }
    }

    fn bus(&self) -> Option<&str> {
        Some(self.bus.as_str())
    }

    fn remedy(&self, error: &ScrapeError) -> Option<String> {
        remedy::remedy(self, error)
    }
}

/// Logs that the selectors of a bus are so many that connections are shared, or that limits of the bus may be
/// exceeded.
pub(super) fn report_selectors(bus: &str, selectors: usize) {
    if selectors > connection_permits::WITHIN_LIMITS {
        tracing::warn!(
            bus,
            selectors,
            limit = connection_permits::WITHIN_LIMITS,
            "the selectors of one bus can exceed its limit of unanswered calls; reduce their number, or raise \
             max_replies_per_connection of the bus"
        );
    } else if selectors > connection_permits::OWN {
        tracing::info!(bus, selectors, "the selectors of one bus share connections");
    }
}

/// An open source of kind `dbus`.
#[derive(Debug)]
struct Dbus {
    spec: DbusSource,
    max_bytes: usize,
    validator: Validator,
    blocking: BlockingPool,
    link: Link,
    progress: Cell<Progress>,
    /// One permit: one reply at a time is read on the blocking pool.
    reading: Arc<Semaphore>,
}

/// The progress of the latest pull.
#[derive(Clone, Copy, Debug)]
enum Progress {
    Connecting,
    Called,
}

impl Dbus {
    fn new(
        spec: DbusSource,
        max_bytes: usize,
        validator: Validator,
        context: &SourceContext,
    ) -> Self {
        Self {
            link: Link::new(&spec, max_bytes, context),
            blocking: context.blocking.clone(),
            spec,
            max_bytes,
            validator,
            progress: Cell::new(Progress::Connecting),
            reading: Arc::new(Semaphore::new(1)),
        }
    }

    async fn read(&self) -> ScrapeResult {
        let mut attempts = 0;
        loop {
            attempts += 1;
            self.progress.set(Progress::Connecting);
            let lease = self.link.connect().await?;
            self.progress.set(Progress::Called);
            // A call that fails, or is dropped at its deadline, drops its connection too.
            match call(&self.spec, lease.connection()).await {
                Ok(reply) => {
                    lease.answered();
                    let body = self.payload(reply).await?;
                    let from = &self.spec.destination;
                    return self.validator.validate(body, from, &self.blocking).await;
                }
                Err(failure) => match failure.link {
                    // The reply may be one to another source: the next connection is an own one.
                    LinkState::Oversized if lease.sharing == Sharing::Shared => {}
                    LinkState::Oversized => {
                        return Err(ScrapeError::too_large(&"the reply", self.max_bytes));
                    }
                    // The bus may have closed the connection since the last scrape: try a new one.
                    LinkState::Broken if lease.age == Age::Reused && attempts < MAX_ATTEMPTS => {
                        lease.broken();
                    }
                    LinkState::Broken => return Err(failure.error),
                    LinkState::Usable => {
                        lease.answered();
                        return Err(failure.error);
                    }
                },
            }
        }
    }

    /// The body of a reply; a large one is read on the blocking pool.
    async fn payload(&self, reply: Message) -> Result<Bytes, ScrapeError> {
        let max_bytes = self.max_bytes;
        if reply.body().len() <= MAX_INLINE_BYTES {
            return payload(&reply, max_bytes);
        }
        let permit = Arc::clone(&self.reading).acquire_owned().await;
        let reading = self.blocking.spawn(move || {
            // Released when the task ends, not when its caller stops waiting.
            let _permit = permit;
            payload(&reply, max_bytes)
        });
        match reading.await {
            Ok(body) => body,
            Err(error) => {
                let error = error.or_resume_panic();
                let message = format!("{}: {error}", self.spec.destination);
                Err(ScrapeError::new(Reason::of_io(&error), message))
            }
        }
    }
}

impl Source for Dbus {
    fn pull(self: Rc<Self>) -> LocalBoxFuture<'static, ScrapeResult> {
        Box::pin(async move { self.read().await })
    }

    fn waiting_for(&self) -> String {
        match self.progress.get() {
            Progress::Connecting => self.link.waiting_for(),
            Progress::Called => "; the method was called and did not reply",
        }
        .into()
    }
}
