//! Binds the configured listeners.
//!
//! If any address cannot be bound, startup fails; no other port or path is tried.

mod listener;
mod systemd;
mod tcp;
mod unix;
mod vsock;

pub use listener::Listener;

use listener::bind_error;
use local_exporter_config::{ExternalError, Listen, Listeners, PathAccess, shown};
use std::io;

/// Binds all configured addresses in their order, or takes the sockets that systemd passes. The path of
/// a unix socket is accessed with a deadline.
///
/// # Errors
/// If an address is in use, is not permitted, or is of a kind
/// that the kernel does not support. The message contains the address.
pub fn bind(listeners: &Listeners) -> io::Result<Vec<Listener>> {
    match listeners {
        Listeners::Systemd => systemd::listeners(),
        Listeners::Configured(listens) => {
            let access = PathAccess::default();
            listens.iter().map(|one| bind_one(one, &access)).collect()
        }
    }
}

/// Returns the errors in the settings that are detectable before binding.
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

fn bind_one(listen: &Listen, access: &PathAccess) -> io::Result<Listener> {
    match listen {
        Listen::Tcp(address, port) => tcp::bind(*address, *port).map(Listener::Tcp),
        Listen::Unix(unix) => {
            let owned = unix.clone();
            let bound = access.run(&unix.path, move || unix::bind(&owned));
            let hangs = |error| bind_error(format!("unix:{}", shown(&unix.path)), &error);
            bound.map_err(hangs).flatten().map(Listener::Unix)
        }
        Listen::Vsock(vsock) => vsock::bind(*vsock).map(|socket| Listener::Vsock(socket, *vsock)),
    }
}

/// Removes the unix sockets of these listeners at shutdown. A socket is kept if it may not be
/// removed or another process listens on its path; the next start takes over a stale one.
pub(crate) fn clear(listeners: &Listeners) {
    let Listeners::Configured(listens) = listeners else {
        return;
    };
    let access = PathAccess::default();
    for listen in listens {
        let Listen::Unix(unix) = listen else {
            continue;
        };
        let path = unix.path.clone();
        let removed = access.run(&unix.path, move || unix::remove_stale(&path));
        if let Err(error) = removed.flatten() {
            tracing::debug!(%error, path = %shown(&unix.path), "cannot remove the socket");
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
    fn an_address_that_cannot_be_bound_fails_startup_and_is_named() {
        let local = ListenAddress::One(Ipv4Addr::LOCALHOST.into());
        let bound = bind(&Listeners::Configured(vec![
            Listen::Tcp(local, 0),
            Listen::Tcp(local, 0),
        ]));
        assert_eq!(bound.unwrap().len(), 2);
        // Context ID 0 is that of the hypervisor.
        let hypervisor = VsockListen {
            context: Some(0),
            port: 9598,
        };
        let listeners =
            Listeners::Configured(vec![Listen::Tcp(local, 0), Listen::Vsock(hypervisor)]);
        let error = bind(&listeners).unwrap_err().to_string();
        assert!(
            error.starts_with("cannot listen on vsock://0:9598: "),
            "{error}"
        );
    }
}
