//! Tracks the partially received request head of a connection and its deadline.
//!
//! Pure: callers report received and sent bytes.

use crate::limits::Limit;
use local_exporter_config::ClientLimits;
use tokio::time::Instant;

/// Largest size, in bytes, of a request head, and of what precedes the first request.
pub(super) const LARGEST_HEAD: usize = 32 * 1024;

/// Empty frames that a client may send in one request. The clients in use send none, or one
/// at the end of a body.
const MAX_EMPTY_FRAMES: usize = 100;

/// HTTP/2 clients acknowledge received bytes with control frames: the number of sent bytes
/// for which they may send one byte.
const SENT_PER_ACKNOWLEDGEMENT: usize = 8;

/// Whether a connection carries several requests at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Multiplexing {
    /// One request after the other: HTTP/1.1.
    Off,
    /// Any number at a time, in frames: HTTP/2.
    On,
}

/// The received part of the next request head.
#[derive(Clone, Copy, Debug)]
pub(super) struct RequestHead {
    multiplexing: Multiplexing,
    /// Number of preceding requests.
    preceding: u64,
    /// When its first byte was received; never set with multiplexing.
    first_byte: Option<Instant>,
    /// Bytes received since the last request began.
    received: usize,
    /// Bytes sent since the last request began.
    sent: usize,
    /// Empty frames received since the last request began.
    empty_frames: usize,
}

impl RequestHead {
    /// A head of which nothing has been received, after `preceding` requests.
    pub(super) fn new(multiplexing: Multiplexing, preceding: u64) -> Self {
        Self {
            multiplexing,
            preceding,
            first_byte: None,
            received: 0,
            sent: 0,
            empty_frames: 0,
        }
    }

    pub(super) fn multiplexing(&self) -> Multiplexing {
        self.multiplexing
    }

    /// Starts over if a request has begun since; `requests` is their number so far.
    pub(super) fn update(&mut self, requests: u64) {
        if requests != self.preceding {
            *self = Self::new(self.multiplexing, requests);
        }
    }

    /// Counts received bytes. With multiplexing they start no deadline, because control
    /// frames may arrive at any time.
    pub(super) fn received(&mut self, bytes: usize) {
        if self.multiplexing == Multiplexing::Off {
            self.first_byte.get_or_insert_with(Instant::now);
        }
        self.received += bytes;
    }

    /// Counts empty frames.
    pub(super) fn received_empty(&mut self, frames: usize) {
        self.empty_frames += frames;
    }

    /// Whether more empty frames have been received than allowed.
    pub(super) fn has_too_many_empty_frames(&self) -> bool {
        self.empty_frames > MAX_EMPTY_FRAMES
    }

    /// Counts sent bytes.
    pub(super) fn sent(&mut self, bytes: usize) {
        self.sent = self.sent.saturating_add(bytes);
    }

    /// Whether a part of it has been received.
    pub(super) fn has_begun(&self) -> bool {
        self.first_byte.is_some()
    }

    /// Whether more bytes have been received than allowed. A client that receives a large
    /// response over HTTP/2 sends many control frames.
    pub(super) fn is_too_large(&self) -> bool {
        let acknowledgements = match self.multiplexing {
            Multiplexing::Off => 0,
            Multiplexing::On => self.sent / SENT_PER_ACKNOWLEDGEMENT,
        };
        self.received > LARGEST_HEAD + acknowledgements
    }

    /// When the head must be complete, or must have begun, on a connection that is idle since
    /// `idle_since`; and the limit that this time belongs to.
    pub(super) fn deadline(&self, idle_since: Instant, limits: ClientLimits) -> (Instant, Limit) {
        match self.first_byte {
            Some(first_byte) => (first_byte + limits.header_timeout, Limit::HeaderTimeout),
            None if self.preceding == 0 => {
                (idle_since + limits.header_timeout, Limit::HeaderTimeout)
            }
            None => (idle_since + limits.idle_timeout, Limit::IdleTimeout),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sent_bytes_allow_more_received_bytes_only_with_multiplexing() {
        for (multiplexing, is_too_large) in [(Multiplexing::Off, true), (Multiplexing::On, false)] {
            let mut head = RequestHead::new(multiplexing, 1);
            head.received(LARGEST_HEAD);
            assert!(!head.is_too_large(), "{multiplexing:?}");
            head.sent(SENT_PER_ACKNOWLEDGEMENT);
            head.received(1);
            assert_eq!(head.is_too_large(), is_too_large, "{multiplexing:?}");
            head.received(1);
            assert!(head.is_too_large(), "{multiplexing:?}");
        }
    }

    #[test]
    fn the_count_starts_over_once_the_request_has_begun() {
        let mut head = RequestHead::new(Multiplexing::Off, 0);
        head.received(LARGEST_HEAD + 1);
        head.update(0);
        assert!(head.is_too_large() && head.has_begun());
        head.update(1);
        assert!(!head.is_too_large() && !head.has_begun());
    }
}
