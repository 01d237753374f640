//! All that serves, as one thing that comes to an end.

use super::vsock::Accepting;
use actix_server::{Server, ServerHandle};
use futures_util::future::{join, join_all};
use std::io;
use std::time::Duration;
use tokio::task::JoinHandle;

/// What has been started.
#[derive(Debug)]
pub(crate) struct Serving {
    /// Those that accept TCP and unix sockets, if there are any.
    workers: Option<(ServerHandle, JoinHandle<io::Result<()>>)>,
    vsock: Vec<Accepting>,
    stop_within: Duration,
}

impl Serving {
    /// Runs what is there to be run. Must be called within an actix system.
    pub(super) fn start(
        server: Option<Server>,
        vsock: Vec<Accepting>,
        stop_within: Duration,
    ) -> Self {
        let run = |server: Server| (server.handle(), actix_web::rt::spawn(server));
        Self {
            workers: server.map(run),
            vsock,
            stop_within,
        }
    }

    /// Waits for the connections to end, which they do when the server is to stop, but not for
    /// longer than they may take.
    ///
    /// # Errors
    /// When a part of it had failed.
    pub(crate) async fn end(self) -> io::Result<()> {
        let vsock = self.vsock.into_iter();
        let vsock = join_all(vsock.map(|accepting| accepting.end(self.stop_within)));
        let Some((workers, ended)) = self.workers else {
            vsock.await;
            return Ok(());
        };
        join(workers.stop(true), vsock).await;
        ended.await.map_err(io::Error::other)?
    }
}
