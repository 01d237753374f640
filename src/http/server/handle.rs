//! The running server, until it has stopped.

use super::vsock::VsockServer;
use actix_server::Server;
use futures_util::future::{join, join_all};
use std::future::pending;
use std::io;
use std::time::Duration;
use tokio::task::JoinHandle;

/// A running server.
#[derive(Debug)]
pub(crate) struct ServerHandle {
    /// The actix server of TCP and unix sockets, if there are any.
    server: Option<(actix_server::ServerHandle, JoinHandle<io::Result<()>>)>,
    vsock: Vec<VsockServer>,
    stop_within: Duration,
}

impl ServerHandle {
    /// Runs the server. Must be called within an actix system.
    pub(super) fn start(
        server: Option<Server>,
        vsock: Vec<VsockServer>,
        stop_within: Duration,
    ) -> Self {
        let run = |server: Server| (server.handle(), actix_web::rt::spawn(server));
        Self {
            server: server.map(run),
            vsock,
            stop_within,
        }
    }

    /// Resolves when the server has ended although no shutdown was requested.
    pub(crate) async fn failed(&mut self) -> io::Error {
        let Some((_, server)) = &mut self.server else {
            return pending().await;
        };
        match server.await {
            Ok(Ok(())) => io::Error::other("the server has ended"),
            Ok(Err(error)) => error,
            Err(_) => io::Error::other("the server panicked; see the log"),
        }
    }

    /// Waits until all connections have ended, at most as long as they are given. They end
    /// because the caller has announced the shutdown through [`ServerSetup`](super::ServerSetup).
    ///
    /// # Errors
    /// If the server had failed.
    pub(crate) async fn stopped(self) -> io::Result<()> {
        let vsock = self.vsock.into_iter();
        let vsock = join_all(vsock.map(|server| server.stopped(self.stop_within)));
        let Some((server, result)) = self.server else {
            vsock.await;
            return Ok(());
        };
        join(server.stop(true), vsock).await;
        result.await.map_err(io::Error::other)?
    }
}
