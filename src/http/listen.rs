//! Where the exporter listens: settings in, bound listeners out.
//!
//! Failing to bind one of them is failing to start; nothing here tries another
//! port or path.

mod listener;
mod systemd;
mod tcp;
mod unix;
mod vsock;

pub use listener::Listener;

use local_exporter_config::{ExternalError, Listen, Listeners};
use std::io;

/// Binds everything that is configured, in its order, or takes what systemd passes.
///
/// # Errors
/// With the address in the message: it is in use, not this host's, not allowed, or of a
/// kind that its kernel does not have.
pub fn bind(listeners: &Listeners) -> io::Result<Vec<Listener>> {
    match listeners {
        Listeners::Systemd => systemd::listeners(),
        Listeners::Configured(listens) => listens.iter().map(bind_one).collect(),
    }
}

/// What is wrong with the listeners as far as that can be told before it is bound.
#[must_use]
pub(crate) fn external_errors(listeners: &Listeners) -> Vec<ExternalError> {
    let Listeners::Configured(listens) = listeners else {
        return Vec::new();
    };
    let found = listens.iter().filter_map(|listen| match listen {
        Listen::Unix(unix) => unix::external_error(unix),
        Listen::Tcp(..) | Listen::Vsock(_) => None,
    });
    let error = |found| ExternalError {
        key: ["service", "listen"].map(str::to_owned).to_vec(),
        found,
    };
    found.map(error).collect()
}

fn bind_one(listen: &Listen) -> io::Result<Listener> {
    match listen {
        Listen::Tcp(address, port) => tcp::bind(*address, *port).map(Listener::Tcp),
        Listen::Unix(unix) => unix::bind(unix).map(Listener::Unix),
        Listen::Vsock(vsock) => vsock::bind(*vsock).map(|socket| Listener::Vsock(socket, *vsock)),
    }
}

/// Removes the unix sockets that were made for these listeners, as far as that may be
/// done and nobody else has taken their places. What stays is taken over next time.
pub(crate) fn clear(listeners: &Listeners) {
    let Listeners::Configured(listens) = listeners else {
        return;
    };
    for listen in listens {
        if let Listen::Unix(unix) = listen
            && let Err(error) = unix::vacate(&unix.path)
        {
            tracing::debug!(%error, path = %unix.path.display(), "the socket stays");
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;
    use local_exporter_config::{ListenAddress, VsockListen};
    use std::net::Ipv4Addr;

    #[test]
    fn one_that_cannot_be_bound_fails_all_and_is_named() {
        let local = ListenAddress::One(Ipv4Addr::LOCALHOST.into());
        let bound = bind(&Listeners::Configured(vec![
            Listen::Tcp(local, 0),
            Listen::Tcp(local, 0),
        ]));
        assert_eq!(bound.unwrap().len(), 2);
        // No machine can be its own hypervisor, whose context that is.
        let elsewhere = VsockListen {
            context: Some(0),
            port: 9598,
        };
        let listeners =
            Listeners::Configured(vec![Listen::Tcp(local, 0), Listen::Vsock(elsewhere)]);
        let error = bind(&listeners).unwrap_err().to_string();
        assert!(
            error.starts_with("cannot listen on vsock://0:9598: "),
            "{error}"
        );
    }
}
