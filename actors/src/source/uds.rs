//! Kind `uds`: connects to a unix socket, reads to the end and closes.
//!
//! Sends nothing, and keeps nothing between scrapes: the path is resolved for
//! each one, so a daemon may replace its socket at any time. Its settings are in
//! `config/src/kind/uds.rs`.

use super::connect::{Address, ConnectError, Connector};
use super::kind::{FileAccess, Kind, RequiredPath, Sockets, Source, SourceContext};
use crate::blocking::BlockingPool;
use crate::reason::Reason;
use crate::scrape::{ScrapeError, ScrapeResult};
use crate::validator::Validator;
use bytes::{Bytes, BytesMut};
use futures_util::future::LocalBoxFuture;
use local_exporter_config as config;
use local_exporter_config::shown;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::path::Path;
use std::rc::Rc;
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;

/// The capacity of the first buffer, and the least by which a full buffer grows, in bytes.
const CHUNK: usize = 16 * 1024;
/// The difference between the next buffer and the previous body, in bytes.
const MARGIN: usize = 512;

impl Kind for config::UdsSource {
    fn label(&self) -> String {
        shown(&self.path).to_string()
    }

    fn open(&self, selector: &config::Selector, context: &SourceContext) -> Rc<dyn Source> {
        let validator = Validator::new(selector.body_policy).with_faults(&context.faults);
        let max_bytes = selector.limits.max_bytes;
        Rc::new(Uds::new(
            &self.path,
            max_bytes,
            validator,
            &context.blocking,
        ))
    }

    fn access(&self) -> FileAccess {
        FileAccess {
            directories: BTreeSet::new(),
            sockets: Sockets::ByPath,
        }
    }

    fn required_paths(&self) -> Vec<RequiredPath> {
        vec![RequiredPath::Socket(self.path.clone())]
    }
}

/// An open source of kind `uds`.
#[derive(Debug)]
pub(super) struct Uds {
    address: Address,
    max_bytes: usize,
    validator: Validator,
    blocking: BlockingPool,
    connector: Connector,
    /// The number of bytes that the latest pull has read.
    received: Cell<usize>,
    /// The capacity of the next buffer, in bytes.
    capacity: Cell<usize>,
}

impl Uds {
    pub(super) fn new(
        path: &Path,
        max_bytes: usize,
        validator: Validator,
        blocking: &BlockingPool,
    ) -> Self {
        Self {
            address: Address::Path(path.to_owned()),
            max_bytes,
            validator,
            connector: Connector::new(blocking.clone()),
            blocking: blocking.clone(),
            received: Cell::new(0),
            capacity: Cell::new(CHUNK),
        }
    }

    async fn read(&self) -> ScrapeResult {
        self.received.set(0);
        let connected = self.connector.connect(&self.address).await;
        let mut stream = connected.map_err(|error| self.cannot_connect(error))?;
        let body = self.read_to_end(&mut stream).await?;
        drop(stream);
        self.validator
            .validate(body, &self.address.to_string(), &self.blocking)
            .await
    }

    async fn read_to_end(&self, stream: &mut UnixStream) -> Result<Bytes, ScrapeError> {
        let mut body = BytesMut::with_capacity(self.capacity.get());
        loop {
            self.received.set(body.len());
            if body.len() == body.capacity() {
                body.reserve(body.len().max(CHUNK));
            }
            match stream.read_buf(&mut body).await {
                Ok(0) => {
                    self.capacity.set(body.len() + MARGIN);
                    return Ok(body.freeze());
                }
                Ok(_) if body.len() > self.max_bytes => {
                    return Err(ScrapeError::too_large(&self.address, self.max_bytes));
                }
                Ok(_) => {}
                Err(error) => {
                    let (socket, received) = (&self.address, body.len());
                    let message =
                        format!("reading {socket} failed after {received} bytes: {error}");
                    return Err(ScrapeError::new(Reason::of_io(&error), message));
                }
            }
        }
    }

    fn cannot_connect(&self, error: ConnectError) -> ScrapeError {
        let socket = &self.address;
        let ConnectError {
            error,
            instead,
            cause,
        } = error;
        if let Some(instead) = instead {
            let message = format!("{socket} is {instead}{cause}");
            return ScrapeError::new(Reason::Unsuitable, message);
        }
        let reason = Reason::of_io(&error);
        let hint = match reason {
            Reason::Absent if cause.is_empty() => {
                "; the daemon is not running, or its socket is at another path"
            }
            Reason::Refused if cause.is_empty() => {
                "; no process listens on it: the daemon may have left its socket behind"
            }
            _ => "",
        };
        let message = format!("cannot connect to {socket}: {error}{hint}{cause}");
        ScrapeError::new(reason, message)
    }
}

impl Source for Uds {
    fn pull(self: Rc<Self>) -> LocalBoxFuture<'static, ScrapeResult> {
        Box::pin(async move { self.read().await })
    }

    fn waiting_for(&self) -> String {
        match (self.connector.waiting_for().words(), self.received.get()) {
            (Some(words), _) => words.into(),
            (None, 0) => "; it wrote nothing (the exporter sends no request)".into(),
            (None, bytes) => format!("; it wrote {bytes} bytes and did not close the connection"),
        }
    }
}
