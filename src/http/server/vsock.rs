//! Accepts vsock connections (vsock(7)), which actix-server does not support.
//!
//! Each listener has a thread of its own. Its connections use the same service as those of
//! other listeners: admission, TLS and authorization are the same.

use super::context::ServerContext;
use super::service::service;
use super::socket::ClientSocket;
use actix_rt::Arbiter;
use actix_service::{Service, ServiceFactory};
use actix_web::rt::net::UnixStream;
use local_exporter_actors::log_limit::{LogLimit, LogLine};
use socket2::{SockRef, Socket};
use std::future::poll_fn;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as BlockingStream;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::Interest;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{sleep, timeout};

/// Pause after an error that does not concern a single connection, such as a lack of
/// descriptors; the same as in actix-server.
const ACCEPT_PAUSE: Duration = Duration::from_millis(500);

/// A running vsock listener.
#[derive(Debug)]
pub(super) struct VsockServer {
    arbiter: Arbiter,
    stopped: oneshot::Receiver<()>,
}

/// Serves at most `most` connections of a listener at a time, until shutdown.
///
/// # Errors
/// If its thread cannot be started.
pub(super) fn serve(
    listener: Socket,
    context: ServerContext,
    most: usize,
) -> io::Result<VsockServer> {
    let arbiter = Arbiter::try_new()?;
    let (notify, stopped) = oneshot::channel();
    // The service is not `Send`, so it is built on its thread.
    arbiter.spawn_fn(move || {
        actix_rt::spawn(async move {
            if let Err(error) = accept_all(listener, context, most).await {
                tracing::error!(%error, "cannot serve a vsock listener");
            }
            // The receiver is gone after a stop that timed out.
            let _ = notify.send(());
        });
    });
    Ok(VsockServer { arbiter, stopped })
}

impl VsockServer {
    /// Waits until its connections have ended after a shutdown, at most as long as given.
    pub(super) async fn stopped(self, within: Duration) {
        let _ = timeout(within, self.stopped).await;
        self.arbiter.stop();
    }
}

async fn accept_all(listener: Socket, mut context: ServerContext, most: usize) -> io::Result<()> {
    let service = service::<ClientSocket>(&context).new_service(()).await;
    let service = service.map_err(|()| io::Error::other("cannot start the service"))?;
    let listener = registered(listener)?;
    let free = Arc::new(Semaphore::new(most));
    loop {
        let (socket, permit) = tokio::select! {
            biased;
            _ = context.stopping.wait_for(|stopping| *stopping) => break,
            next = next(&listener, &free, &context.logs.accept) => next,
        };
        // The service is always ready: it admits or refuses each connection on its own.
        if poll_fn(|cx| service.poll_ready(cx)).await.is_ok() {
            let served = service.call(socket);
            actix_rt::spawn(async move {
                let _ = served.await;
                drop(permit);
            });
        }
    }
    drop(listener);
    // All permits are free once all connections have ended.
    let _ = free
        .acquire_many(u32::try_from(most).unwrap_or(u32::MAX))
        .await;
    Ok(())
}

/// Accepts the next connection, once a permit is free.
async fn next(
    listener: &UnixStream,
    free: &Arc<Semaphore>,
    failures: &LogLimit,
) -> (ClientSocket, Option<OwnedSemaphorePermit>) {
    // The semaphore is never closed, so this waits for a permit.
    let permit = Arc::clone(free).acquire_owned().await.ok();
    loop {
        match accept(listener).await {
            Ok(socket) => return (socket, permit),
            Err(error) if concerns_one_connection(&error) => {}
            Err(error) => {
                if let Some(suppressed) = failures.event().map(LogLine::suppressed) {
                    tracing::error!(%error, suppressed, "cannot accept a vsock connection");
                }
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn accept(listener: &UnixStream) -> io::Result<ClientSocket> {
    let accept = || SockRef::from(listener).accept();
    let (stream, _) = listener.async_io(Interest::READABLE, accept).await?;
    registered(stream).map(ClientSocket::Vsock)
}

/// Registers a socket with the runtime. Tokio has no type for this address family, so it uses
/// the type of unix sockets: readiness, reads, writes and shutdown are the same system calls
/// in every family. Only addresses differ, and they are not read.
fn registered(socket: Socket) -> io::Result<UnixStream> {
    socket.set_nonblocking(true)?;
    UnixStream::from_std(BlockingStream::from(OwnedFd::from(socket)))
}

/// Whether accepting the next connection may succeed at once.
fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;
    use crate::exporter::Running;
    use crate::http::server::ServerSetup;
    use crate::reloader::Reloader;
    use local_exporter_config::{DropInState, Environment, Loaded, load};
    use socket2::{Domain, SockAddr, Type};
    use std::io::{Read, Write};
    use std::path::Path;
    use tokio::sync::watch;

    /// Serves a single listener. It is a unix socket, so that the test also runs where the
    /// kernel has no vsock: the code under test accepts any address family.
    async fn with_listener(path: &Path, test: impl AsyncFnOnce(VsockServer, watch::Sender<bool>)) {
        let loaded = Loaded {
            settings: load(None, &Environment::new()).unwrap(),
            warnings: Vec::new(),
            writable: Vec::new(),
            drop_ins: DropInState::default(),
            text: String::new(),
            hash: String::new(),
            files: Vec::new(),
        };
        let running = Running::start(loaded, Reloader::disabled()).unwrap();
        let (announce, stopping) = watch::channel(false);
        let setup = ServerSetup {
            stop_within: Duration::from_secs(8),
            ..running.server_setup(stopping)
        };
        let listener = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        listener.bind(&SockAddr::unix(path).unwrap()).unwrap();
        listener.listen(8).unwrap();
        let context = ServerContext::open(&setup).unwrap();
        test(serve(listener, context, 2).unwrap(), announce).await;
    }

    /// Sends a request on a connection that stays open; returns the status line.
    fn request(stream: &mut BlockingStream) -> String {
        let bytes = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n";
        stream.write_all(bytes).unwrap();
        let mut response = [0; 4096];
        let length = stream.read(&mut response).unwrap();
        let text = String::from_utf8_lossy(&response[..length]).into_owned();
        text.lines().next().unwrap_or_default().to_owned()
    }

    #[test]
    fn connections_are_served_like_others_and_end_at_shutdown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sock");
        actix_rt::System::new().block_on(with_listener(&path, async |server, announce| {
            let path = path.clone();
            let connect = move || BlockingStream::connect(&path).unwrap();
            let requests = tokio::task::spawn_blocking(move || {
                let mut streams = [connect(), connect()];
                let responses = streams.each_mut().map(request);
                // No permit is free for a third connection until one of them ends.
                let mut third = connect();
                let [closed, open] = streams;
                drop(closed);
                (responses, request(&mut third), open)
            });
            let (responses, third, mut open) = requests.await.unwrap();
            assert_eq!(responses, ["HTTP/1.1 200 OK"; 2]);
            assert_eq!(third, "HTTP/1.1 200 OK");
            announce.send_replace(true);
            server.stopped(Duration::from_secs(60)).await;
            let rest = tokio::task::spawn_blocking(move || open.read(&mut [0; 1]).unwrap());
            assert_eq!(rest.await.unwrap(), 0, "the connection is closed");
        }));
    }
}
