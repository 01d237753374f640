//! Sockets passed by systemd (`sd_listen_fds(3)`).
//!
//! All of them are used, and each must be a listening TCP or unix socket. Their unit creates,
//! configures and removes them.

use super::listener::Listener;
use listenfd::ListenFd;
use socket2::SockRef;
use std::io;

/// Takes all sockets that were passed to this process.
pub(super) fn listeners() -> io::Result<Vec<Listener>> {
    let process = std::env::var("LISTEN_PID").ok();
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    // Otherwise they were passed to the parent process.
    let ours = process.and_then(|id| id.parse().ok()) == Some(std::process::id());
    let mut passed = if ours {
        ListenFd::from_env()
    } else {
        ListenFd::empty()
    };
    if passed.len() == 0 {
        let message = "no socket activation file descriptors found";
        return Err(io::Error::new(io::ErrorKind::NotFound, message));
    }
    let names = names.split(':').map(Some).chain(std::iter::repeat(None));
    let indices = 0..passed.len();
    indices
        .zip(names)
        .map(|(index, name)| take(&mut passed, index, name.unwrap_or_default()))
        .collect()
}

fn take(passed: &mut ListenFd, index: usize, name: &str) -> io::Result<Listener> {
    let unfit = |why: &str| {
        let message = format!("socket {index} ({name:?}) passed by systemd {why}");
        io::Error::new(io::ErrorKind::InvalidInput, message)
    };
    // For a socket of another kind, listenfd returns an error and keeps the socket.
    let (listener, listens) = if let Ok(Some(tcp)) = passed.take_tcp_listener(index) {
        let listens = SockRef::from(&tcp).is_listener();
        (Listener::Tcp(tcp), listens)
    } else if let Ok(Some(unix)) = passed.take_unix_listener(index) {
        let listens = SockRef::from(&unix).is_listener();
        (Listener::Unix(unix), listens)
    } else {
        return Err(unfit("is neither a TCP nor a unix stream socket"));
    };
    match listens {
        Ok(true) => {
            tracing::info!(name, "socket passed by systemd");
            Ok(listener)
        }
        Ok(false) => Err(unfit("does not listen (Accept=yes in its unit?)")),
        Err(error) => Err(unfit(&format!("cannot be inspected: {error}"))),
    }
}
