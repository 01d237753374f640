//! Under systemd: readiness, reloads, watchdog keep-alives, passed sockets and fields of the journal,
//! with real sockets and protocols.

mod journal;
mod notifications;
mod sockets;
