//! Client connections: admission, and limits on time and size.
//!
//! Every connection occupies a [`ConnectionSlot`]. If all slots are taken, the connection that
//! has been idle the longest is closed, so neither a flood nor forgotten connections lock out
//! other clients. If none is idle, the new connection gets one of a few reserved slots, on
//! which small pages about the exporter are served and scrapes are refused. Reserved slots are
//! reassigned likewise, and used for two seconds at most. If the reserved slots are busy too, the connection is closed
//! immediately. Connections never queue, so a flood cannot block others.
//!
//! Layers, each using only those before it: `unread`, `slot_context` (limits, clock, metrics),
//! `occupancy`, `backpressure`, `slot`, `slots`, `admission` know nothing about HTTP;
//! `request_head`, `frames` and `pipelining` are pure; `stream` enforces the limits on the bytes of a connection.

mod admission;
mod backpressure;
mod frames;
mod occupancy;
mod pipelining;
mod request_head;
mod slot;
mod slot_context;
mod slots;
mod stream;
mod unread;

pub(crate) use admission::Connections;
pub(crate) use request_head::Multiplexing;
pub(crate) use slot::{BusyGuard, ConnectionSlot, Priority};
pub(crate) use slots::RESERVE;
pub(crate) use stream::LimitedStream;
pub(crate) use unread::UnreadBody;

#[cfg(test)]
mod tests;
