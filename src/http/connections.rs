//! Client connections: admission, and limits on time and size.
//!
//! Every connection occupies a [`ConnectionSlot`]. If all slots are taken, the connection that
//! has been idle the longest is closed, so neither a flood nor forgotten connections lock out
//! other clients. If none is idle, the new connection gets one of a few reserved slots, on
//! which pages about the exporter are served and scrapes are refused. Reserved slots are
//! reassigned likewise. If the reserved slots are busy too, the connection is closed
//! immediately. Connections never queue, so a flood cannot block others.
//!
//! Layers, each using only those before it: `slot_context` (limits, clock, metrics), `occupancy`,
//! `slot`, `slots`, `admission` know nothing about HTTP; `request_head` and `pipelining` are
//! pure; `stream` enforces the limits on the bytes of a connection.

mod admission;
mod occupancy;
mod pipelining;
mod request_head;
mod slot;
mod slot_context;
mod slots;
mod stream;

pub(crate) use admission::Connections;
pub(crate) use request_head::Multiplexing;
pub(crate) use slot::{BusyGuard, ConnectionSlot, Priority};
pub(crate) use slots::RESERVE;
pub(crate) use stream::LimitedStream;

#[cfg(test)]
mod tests;
