//! Kind `dbus`: call one method, which returns the exposition.
//!
//! Each source has a connection of its own: a bus counts the calls that were
//! never answered against the connection (dbus-daemon refuses more after 128),
//! so a silent daemon must not use up anybody else's. The connection is made on
//! demand, kept while it works, and thrown away after a call that was given up.
//! What a reply means stands in `reply`, and why there is no connection in `bus_error`.

mod address;
mod bus_error;
mod remedy;
pub mod reply;
mod user;
mod wire;

use super::connect::Connector;
use super::kind::{Descriptors, FileAccess, Kind, RequiredPath, Source, SourceContext};
use crate::backoff::Backoff;
use crate::blocking::resume_panic;
use crate::scrape::{ScrapeError, ScrapeResult};
use crate::validator::Validator;
use bus_error::BusError;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use local_exporter_config::{DbusSource, Selector};
use reply::{Failure, LinkState};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until};
use zbus::message::{Flags, Message, Type};
use zbus::{Connection, MessageStream};

/// The rests between attempts to reach a bus. Short, since each attempt is
/// asked for by a scrape: they only keep a flood of scrapes from becoming a
/// flood of connections.
const BUS_BACKOFF: Backoff = Backoff::new(
    Duration::from_millis(100),
    Duration::from_secs(1),
    Duration::from_secs(60),
);

/// Replies larger than this, in bytes, are taken apart on the blocking pool: a
/// structure for each byte takes a moment for which no other selector should wait.
const READ_IN_PLACE: usize = 256 * 1024;

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
        Rc::new(Dbus::new(
            self.clone(),
            selector.limits.max_bytes,
            validator,
        ))
    }

    fn access(&self) -> FileAccess {
        FileAccess {
            directories: BTreeSet::new(),
            sockets: address::sockets(&self.bus),
        }
    }

    fn required_paths(&self) -> Vec<RequiredPath> {
        let path = wire::socket_path(&self.bus);
        path.into_iter().map(RequiredPath::Socket).collect()
    }

    /// The connection to the bus is kept.
    fn descriptors(&self) -> Descriptors {
        Descriptors {
            kept: 1,
            background: 0,
        }
    }

    fn remedy(&self, error: &ScrapeError) -> Option<String> {
        remedy::remedy(self, error)
    }
}

/// A method on a bus.
#[derive(Debug)]
pub(super) struct Dbus {
    spec: DbusSource,
    max_bytes: usize,
    validator: Validator,
    link: RefCell<Link>,
    connector: Connector,
    progress: Cell<Progress>,
    reading: Arc<Semaphore>,
}

/// How far the latest pull came.
#[derive(Clone, Copy, Debug)]
enum Progress {
    /// It makes a connection.
    Connecting,
    /// It has called the method.
    Called,
}

/// The connection, or when to try again.
#[derive(Debug)]
struct Link {
    connection: Option<Connection>,
    backoff: Backoff,
    not_before: Option<Instant>,
}

/// Whether a call went out over a connection that may have been dead already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Age {
    Fresh,
    Reused,
}

impl Dbus {
    pub(super) fn new(spec: DbusSource, max_bytes: usize, validator: Validator) -> Self {
        let link = Link {
            connection: None,
            backoff: BUS_BACKOFF,
            not_before: None,
        };
        Self {
            spec,
            max_bytes,
            validator,
            link: RefCell::new(link),
            connector: Connector::new(),
            progress: Cell::new(Progress::Connecting),
            reading: Arc::new(Semaphore::new(1)),
        }
    }

    async fn read(&self) -> ScrapeResult {
        loop {
            self.progress.set(Progress::Connecting);
            let (connection, age) = self.connect().await?;
            self.progress.set(Progress::Called);
            // Put back only after an answer: a call that fails, or is dropped at
            // its deadline, takes its connection with it.
            match self.call(&connection).await {
                Ok(reply) => {
                    self.link.borrow_mut().connection = Some(connection);
                    let body = self.payload(reply).await?;
                    return self.validator.validate(body, &self.spec.destination).await;
                }
                Err(failure) => match failure.link {
                    // The bus went away since the last scrape: a fresh connection will tell.
                    LinkState::Broken if age == Age::Reused => {}
                    LinkState::Broken => return Err(failure.error),
                    LinkState::Usable => {
                        self.link.borrow_mut().connection = Some(connection);
                        return Err(failure.error);
                    }
                },
            }
        }
    }

    /// What a reply holds; a large one is taken apart on the blocking pool, one at a time.
    async fn payload(&self, reply: Message) -> Result<Bytes, ScrapeError> {
        let max_bytes = self.max_bytes;
        if reply.body().len() <= READ_IN_PLACE {
            return reply::payload(&reply, max_bytes);
        }
        let turn = Arc::clone(&self.reading).acquire_owned().await;
        let reading = tokio::task::spawn_blocking(move || {
            // Given back when the reading ends, not when nobody waits for it.
            let _turn = turn;
            reply::payload(&reply, max_bytes)
        });
        match reading.await {
            Ok(payload) => payload,
            Err(error) => resume_panic(error).await,
        }
    }

    /// The connection kept from the last call if it lives, else a new one.
    async fn connect(&self) -> Result<(Connection, Age), ScrapeError> {
        let kept = self.link.borrow_mut().connection.take();
        if let Some(connection) = kept.filter(|connection| !connection.is_closed()) {
            return Ok((connection, Age::Reused));
        }
        let not_before = self.link.borrow().not_before;
        if let Some(not_before) = not_before {
            sleep_until(not_before).await;
        }
        let built = self.build().await;
        let mut link = self.link.borrow_mut();
        match built {
            Ok(connection) => {
                link.backoff.reset();
                link.not_before = None;
                Ok((connection, Age::Fresh))
            }
            Err(why) => {
                let rest = link.backoff.next_delay(Duration::ZERO, fastrand::f64());
                link.not_before = Some(Instant::now() + rest);
                Err(why.into_scrape_error(&self.spec.bus))
            }
        }
    }

    async fn build(&self) -> Result<Connection, BusError> {
        let builder = wire::connect(&self.spec.bus, &self.connector).await?;
        let builder = match user::to_claim(self.spec.auth_uid) {
            Some(uid) => builder.user_id(uid),
            None => builder,
        };
        Ok(builder.build().await?)
    }

    async fn call(&self, connection: &Connection) -> Result<Message, Failure> {
        let spec = &self.spec;
        let flags = if spec.auto_start {
            Flags::empty()
        } else {
            Flags::NO_AUTO_START
        };
        let call = Message::method_call(spec.path.as_str(), spec.member.as_str())
            .destination(spec.destination.as_str())
            .interface(spec.interface.as_str())
            .with_flags(flags)
            .build(&())
            .map_err(|error| Failure::broken(spec, &error))?;
        let serial = Some(call.primary_header().serial_num());
        // Before the call goes out, so that its reply cannot be missed.
        let mut received = MessageStream::from(connection);
        connection
            .send(&call)
            .await
            .map_err(|error| Failure::broken(spec, &error))?;
        while let Some(message) = received.next().await {
            let message = message.map_err(|error| Failure::broken(spec, &error))?;
            if message.header().reply_serial() != serial {
                continue;
            }
            match message.message_type() {
                Type::MethodReturn => return Ok(message),
                Type::Error => return Err(Failure::replied(spec, &message)),
                Type::MethodCall | Type::Signal => {}
            }
        }
        Err(Failure::closed(spec))
    }
}

impl Source for Dbus {
    fn pull(self: Rc<Self>) -> LocalBoxFuture<'static, ScrapeResult> {
        Box::pin(async move { self.read().await })
    }

    fn waiting_for(&self) -> String {
        match self.progress.get() {
            Progress::Connecting => {
                let words = self.connector.waiting_for().words();
                words.unwrap_or("; the bus did not take the connection: it hangs")
            }
            Progress::Called => "; the method was called and did not reply",
        }
        .into()
    }
}
