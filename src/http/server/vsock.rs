//! Connections of virtual machines and their host (vsock(7)), which actix-server
//! does not accept.
//!
//! They are accepted here, on a thread of their own, and then go where all others
//! go: to a seat, through TLS and the gate. It may not know what is asked.

use super::transport::Wire;
use super::{Common, service};
use actix_rt::Arbiter;
use actix_service::{Service, ServiceFactory};
use actix_web::rt::net::UnixStream;
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

/// How long nobody is accepted after an error that says nothing of a connection,
/// such as too few descriptors: what actix-server waits.
const BACK_OFF: Duration = Duration::from_millis(500);

/// A listener that is being served.
#[derive(Debug)]
pub(super) struct Accepting {
    arbiter: Arbiter,
    ended: oneshot::Receiver<()>,
}

/// Serves at most so many connections of a listener at once, until the server is to stop.
pub(super) fn serve(listener: Socket, common: Common, most: usize) -> Accepting {
    let arbiter = Arbiter::new();
    let (tell, ended) = oneshot::channel();
    // What serves belongs to that thread, so it is made there.
    arbiter.spawn_fn(move || {
        actix_rt::spawn(async move {
            if let Err(error) = accept_all(listener, common, most).await {
                tracing::error!(%error, "no connection over vsock can be accepted");
            }
            // Nobody may wait for it.
            let _ = tell.send(());
        });
    });
    Accepting { arbiter, ended }
}

impl Accepting {
    /// Waits for the connections to end, which the server has been told to, but not for longer.
    pub(super) async fn end(self, within: Duration) {
        let _ = timeout(within, self.ended).await;
        self.arbiter.stop();
    }
}

async fn accept_all(listener: Socket, mut common: Common, most: usize) -> io::Result<()> {
    let service = service::<Wire>(&common).new_service(()).await;
    let service = service.map_err(|()| io::Error::other("the service cannot be started"))?;
    let listener = registered(listener)?;
    let room = Arc::new(Semaphore::new(most));
    loop {
        let (wire, place) = tokio::select! {
            biased;
            _ = common.stopping.wait_for(|stopping| *stopping) => break,
            next = next(&listener, &room) => next,
        };
        // It always is: each connection is admitted, or turned away, by itself.
        if poll_fn(|cx| service.poll_ready(cx)).await.is_ok() {
            let served = service.call(wire);
            actix_rt::spawn(async move {
                let _ = served.await;
                drop(place);
            });
        }
    }
    drop(listener);
    // All places are free when all connections have ended.
    let _ = room
        .acquire_many(u32::try_from(most).unwrap_or(u32::MAX))
        .await;
    Ok(())
}

/// The next connection, once there is a place for it.
async fn next(
    listener: &UnixStream,
    room: &Arc<Semaphore>,
) -> (Wire, Option<OwnedSemaphorePermit>) {
    // It is closed by nobody, so there is always one in the end.
    let place = Arc::clone(room).acquire_owned().await.ok();
    loop {
        match accept(listener).await {
            Ok(wire) => return (wire, place),
            Err(error) if of_one_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "cannot accept a connection over vsock");
                sleep(BACK_OFF).await;
            }
        }
    }
}

async fn accept(listener: &UnixStream) -> io::Result<Wire> {
    let accept = || SockRef::from(listener).accept();
    let (stream, _) = listener.async_io(Interest::READABLE, accept).await?;
    registered(stream).map(Wire::Vsock)
}

/// A socket that the runtime tells of what it is ready for. Tokio has no type for this family;
/// but a socket is waited for, read, written and ended by the same calls whatever its family
/// is: only addresses differ, and nobody asks this one for any.
fn registered(socket: Socket) -> io::Result<UnixStream> {
    socket.set_nonblocking(true)?;
    UnixStream::from_std(BlockingStream::from(OwnedFd::from(socket)))
}

/// Whether the next one may be well.
fn of_one_connection(error: &io::Error) -> bool {
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
    use crate::http::server;
    use crate::http::server::Parts;
    use crate::reload::Reloader;
    use local_exporter_config::{Environment, Loaded, load};
    use socket2::{Domain, SockAddr, Type};
    use std::io::{Read, Write};
    use std::path::Path;
    use tokio::sync::watch;

    /// A server of nothing but this listener, and the word that ends it. What is accepted here
    /// may be of any family, so that it can be tried where the kernel has no vsock.
    async fn with_listener(path: &Path, test: impl AsyncFnOnce(Accepting, watch::Sender<bool>)) {
        let loaded = Loaded {
            settings: load(None, &Environment::new()).unwrap(),
            warnings: Vec::new(),
            text: String::new(),
            hash: String::new(),
            files: Vec::new(),
        };
        let running = Running::start(loaded, Reloader::disabled()).unwrap();
        let (announce, stopping) = watch::channel(false);
        let parts = Parts {
            pages: crate::pages::routes::configure,
            exporter: running.exporter.clone(),
            connections: Arc::clone(&running.connections),
            stopping,
            stop_within: Duration::from_secs(8),
        };
        let listener = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        listener.bind(&SockAddr::unix(path).unwrap()).unwrap();
        listener.listen(8).unwrap();
        let common = server::Common::open(&parts).unwrap();
        test(serve(listener, common, 2), announce).await;
    }

    /// One request on a connection that stays open, and the first line of its answer.
    fn ask(stream: &mut BlockingStream) -> String {
        let request = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n";
        stream.write_all(request).unwrap();
        let mut answer = [0; 4096];
        let length = stream.read(&mut answer).unwrap();
        let text = String::from_utf8_lossy(&answer[..length]).into_owned();
        text.lines().next().unwrap_or_default().to_owned()
    }

    #[test]
    fn connections_are_served_like_others_and_end_when_it_is_to_stop() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sock");
        actix_rt::System::new().block_on(with_listener(&path, async |accepting, announce| {
            let path = path.clone();
            let connect = move || BlockingStream::connect(&path).unwrap();
            let asked = tokio::task::spawn_blocking(move || {
                let mut streams = [connect(), connect()];
                let answers = streams.each_mut().map(ask);
                // There is no place for a third, until one of them leaves.
                let mut third = connect();
                let [leaves, stays] = streams;
                drop(leaves);
                (answers, ask(&mut third), stays)
            });
            let (answers, third, mut stays) = asked.await.unwrap();
            assert_eq!(answers, ["HTTP/1.1 200 OK"; 2]);
            assert_eq!(third, "HTTP/1.1 200 OK");
            announce.send_replace(true);
            accepting.end(Duration::from_secs(60)).await;
            let rest = tokio::task::spawn_blocking(move || stays.read(&mut [0; 1]).unwrap());
            assert_eq!(rest.await.unwrap(), 0, "it is closed");
        }));
    }
}
