//! The limits that apply to all clients together.

use crate::key::Key;
use crate::table::Table;
use crate::value::measure::{Bytes, Count};
use std::time::Duration;

/// The limits that apply to all clients together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientLimits {
    /// How many connections are served at the same time; further ones replace idle ones.
    pub max_connections: usize,
    /// How many scrapes may be in progress at the same time, over all selectors.
    pub max_in_flight: usize,
    /// How many bytes of bodies that clients have not read yet are kept.
    pub max_unread: usize,
    /// How long a client may take to send the head of a request.
    pub header_timeout: Duration,
    /// How long a connection may stay open without a request.
    pub idle_timeout: Duration,
}

impl ClientLimits {
    pub(super) const KEYS: &[Key] = &[
        Key::with_default::<Count>(
            "max_connections",
            "4096",
            "How many connections are served at the same time. One more replaces the one that \
             has been idle for the longest time.",
        )
        .at_restart(),
        Key::with_default::<Count>(
            "max_in_flight",
            "1024",
            "How many scrapes may be in progress at the same time, over all selectors. One more \
             is rejected with status 503.",
        ),
        Key::with_default::<Bytes>(
            "max_unread",
            "\"32MiB\"",
            "How many bytes of bodies that clients have not read yet are kept. One more response \
             ends those of clients that have stopped reading, or is rejected with status 503.",
        ),
        Key::with_default::<Duration>(
            "header_timeout",
            "\"10s\"",
            "How long a client may take to send the head of a request.",
        ),
        Key::with_default::<Duration>(
            "idle_timeout",
            "\"90s\"",
            "How long a connection may stay open without a request.",
        ),
    ];

    pub(super) fn read(table: &mut Table<'_, '_>) -> Self {
        let max_connections = table.take("max_connections").map(|Count(count)| count);
        let max_in_flight = table.take("max_in_flight").map(|Count(count)| count);
        let max_unread = table.take("max_unread").map(|Bytes(bytes)| bytes);
        Self {
            max_connections: max_connections.unwrap_or_default(),
            max_in_flight: max_in_flight.unwrap_or_default(),
            max_unread: max_unread.unwrap_or_default(),
            header_timeout: table.take("header_timeout").unwrap_or_default(),
            idle_timeout: table.take("idle_timeout").unwrap_or_default(),
        }
    }
}
