//! Kind `uds`: connect to a unix socket, read to the end, close.
//!
//! The path is resolved anew at every pull, so a daemon may replace its socket
//! at any time. Nothing is kept between pulls, and nothing is sent.

use super::connect::{Address, ConnectError, Connector};
use super::kind::{FileAccess, Kind, RequiredPath, Sockets, Source, SourceContext};
use crate::reason::Reason;
use crate::scrape::{ScrapeError, ScrapeResult};
use crate::validator::Validator;
use bytes::{Bytes, BytesMut};
use futures_util::future::LocalBoxFuture;
use local_exporter_config as config;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::path::Path;
use std::rc::Rc;
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;

impl Kind for config::UdsSource {
    fn label(&self) -> String {
        self.path.display().to_string()
    }

    fn open(&self, selector: &config::Selector, context: &SourceContext) -> Rc<dyn Source> {
        let validator = Validator::new(selector.body_policy).with_faults(&context.faults);
        Rc::new(Uds::new(&self.path, selector.limits.max_bytes, validator))
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

/// Room for the first answer, in bytes, and how much more there is at least when it is used up.
const CHUNK: usize = 16 * 1024;
/// What the next answer may be longer than the last by before room is made for it, in bytes.
const MARGIN: usize = 512;

/// A socket.
#[derive(Debug)]
pub(super) struct Uds {
    address: Address,
    max_bytes: usize,
    validator: Validator,
    connector: Connector,
    /// How many bytes the latest pull has got.
    got: Cell<usize>,
    /// Room for the next answer: the last one's size and a little more.
    room: Cell<usize>,
}

impl Uds {
    pub(super) fn new(path: &Path, max_bytes: usize, validator: Validator) -> Self {
        Self {
            address: Address::Path(path.to_owned()),
            max_bytes,
            validator,
            connector: Connector::new(),
            got: Cell::new(0),
            room: Cell::new(CHUNK),
        }
    }

    async fn read(&self) -> ScrapeResult {
        self.got.set(0);
        let connected = self.connector.connect(&self.address).await;
        let mut stream = connected.map_err(|why| self.cannot_connect(why))?;
        let body = self.read_to_end(&mut stream).await?;
        drop(stream);
        self.validator
            .validate(body, &self.address.to_string())
            .await
    }

    async fn read_to_end(&self, stream: &mut UnixStream) -> Result<Bytes, ScrapeError> {
        let mut body = BytesMut::with_capacity(self.room.get());
        loop {
            self.got.set(body.len());
            if body.len() == body.capacity() {
                body.reserve(body.len().max(CHUNK));
            }
            match stream.read_buf(&mut body).await {
                Ok(0) => {
                    self.room.set(body.len() + MARGIN);
                    return Ok(body.freeze());
                }
                Ok(_) if body.len() > self.max_bytes => {
                    return Err(ScrapeError::too_large(&self.address, self.max_bytes));
                }
                Ok(_) => {}
                Err(error) => {
                    let (socket, got) = (&self.address, body.len());
                    let message = format!("reading {socket} broke after {got} bytes: {error}");
                    return Err(ScrapeError::new(Reason::of_io(&error), message));
                }
            }
        }
    }

    /// Why connecting failed, told so that one knows what to change.
    fn cannot_connect(&self, why: ConnectError) -> ScrapeError {
        let (socket, error, found) = (&self.address, why.error, why.found);
        if let Some(what) = why.instead {
            return ScrapeError::new(Reason::Unsuitable, format!("{socket} is {what}{found}"));
        }
        let reason = Reason::of_io(&error);
        let hint = match reason {
            Reason::Absent if found.is_empty() => {
                "; the daemon does not run, or has its socket elsewhere"
            }
            Reason::Refused if found.is_empty() => {
                "; nobody listens there, the daemon may have left its socket behind"
            }
            _ => "",
        };
        let message = format!("cannot connect to {socket}: {error}{hint}{found}");
        ScrapeError::new(reason, message)
    }
}

impl Source for Uds {
    fn pull(self: Rc<Self>) -> LocalBoxFuture<'static, ScrapeResult> {
        Box::pin(async move { self.read().await })
    }

    fn waiting_for(&self) -> String {
        match (self.connector.waiting_for().words(), self.got.get()) {
            (Some(words), _) => words.into(),
            (None, 0) => "; it wrote nothing (nothing is sent to it that it could wait for)".into(),
            (None, got) => format!("; it wrote {got} bytes and did not close the connection"),
        }
    }
}
