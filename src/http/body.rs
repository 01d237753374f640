//! How bytes are written: in slices, to readers that keep reading.
//!
//! actix-web copies a whole body into the connection's write buffer; slices
//! keep one shared body for however many readers. A reader that takes nothing
//! is cut off by the kernel. One that takes drops is cut off here, at the first
//! slice that it wants too late; what the kernel has been given by then, which
//! is little, it may go on taking.

use crate::http::connections::{Occupied, Seat};
use crate::limits::Limit;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::rt::net::TcpStream;
use actix_web::web::Bytes;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// What is handed to the connection at once, in bytes.
const SLICE: usize = 64 * 1024;
/// How long sent bytes may stay unacknowledged, or unsent before a closed
/// window (tcp(7), `TCP_USER_TIMEOUT`).
const STALL: Duration = Duration::from_secs(15);
/// How long the writing of one body may take in all.
const LONGEST_WRITE: Duration = Duration::from_secs(60);

/// What the kernel may hold for a connection, in bytes; it takes twice that,
/// socket(7). Left to itself it takes megabytes, and a slow reader's next slice
/// would not be asked for until a third of them were gone.
const SEND_BUFFER: usize = 256 * 1024;

/// Has the kernel end a connection whose reader has stopped, and hold little for one that is slow.
pub(crate) fn bound_stalls(connection: &TcpStream) {
    let socket = socket2::SockRef::from(connection);
    let bounded = socket
        .set_tcp_user_timeout(Some(STALL))
        .and_then(|()| socket.set_send_buffer_size(SEND_BUFFER));
    if let Err(error) = bounded {
        tracing::debug!(%error, "cannot bound a connection's stalls");
    }
}

/// A body of known length, given out slice by slice.
#[derive(Debug)]
pub(crate) struct Sliced {
    rest: Bytes,
    deadline: Instant,
}

impl Sliced {
    /// The bytes, to be written from now on.
    #[must_use]
    pub(crate) fn new(body: Bytes) -> Self {
        Self {
            rest: body,
            deadline: Instant::now() + LONGEST_WRITE,
        }
    }
}

impl MessageBody for Sliced {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.rest.len() as u64)
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, io::Error>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        if Instant::now() > self.deadline {
            let message = format!("the reader took longer than {LONGEST_WRITE:?}");
            return Poll::Ready(Some(Err(io::Error::new(io::ErrorKind::TimedOut, message))));
        }
        let slice = self.rest.len().min(SLICE);
        Poll::Ready(Some(Ok(self.rest.split_to(slice))))
    }
}

/// Any body, with the seat of its connection, which is occupied until all of it was asked for.
#[derive(Debug)]
pub(crate) struct Served {
    body: BoxBody,
    occupied: Option<Occupied>,
    _cut_off: Option<CutOff>,
}

/// Ends a connection when the time is up, unless it is dropped before.
#[derive(Debug)]
struct CutOff(actix_web::rt::task::JoinHandle<()>);

impl Drop for CutOff {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Served {
    /// The body of an answer on a connection.
    #[must_use]
    pub(crate) fn new(body: BoxBody, occupied: Option<Occupied>) -> Self {
        Self {
            body,
            occupied,
            _cut_off: None,
        }
    }

    /// With an end to how long it may take to be asked for, which a multiplexed
    /// connection can put off for ever while it goes on reading and writing.
    #[must_use]
    pub(crate) fn bounded(mut self, seat: Arc<Seat>) -> Self {
        let cut_off = async move {
            tokio::time::sleep(LONGEST_WRITE).await;
            seat.end(Limit::WriteTimeout);
        };
        self._cut_off = Some(CutOff(actix_web::rt::spawn(cut_off)));
        self
    }
}

impl MessageBody for Served {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let next = self.body.as_pin_mut().poll_next(context);
        // What is in memory fails for one reason alone: the client takes it too slowly.
        if let (Poll::Ready(Some(Err(_))), Some(occupied)) = (&next, &self.occupied) {
            occupied.end(Limit::WriteTimeout);
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    fn next(body: &mut Sliced) -> Option<Result<Bytes, io::Error>> {
        let mut context = Context::from_waker(Waker::noop());
        match Pin::new(body).poll_next(&mut context) {
            Poll::Ready(slice) => slice,
            Poll::Pending => panic!("a body in memory has nothing to wait for"),
        }
    }

    #[test]
    fn slices_make_up_the_whole_without_a_copy() {
        let bytes: Bytes = (0..200_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let mut body = Sliced::new(bytes.clone());
        assert_eq!(body.size(), BodySize::Sized(200_000));
        let mut whole = Vec::new();
        while let Some(slice) = next(&mut body) {
            let slice = slice.unwrap();
            assert!(slice.len() <= SLICE);
            assert!(
                bytes.as_ptr_range().contains(&slice.as_ptr()),
                "it was copied"
            );
            whole.extend_from_slice(&slice);
        }
        assert_eq!(whole, bytes);
    }

    #[test]
    fn the_kernel_is_told_the_bounds() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let stream = TcpStream::connect(listener.local_addr().unwrap())
                .await
                .unwrap();
            bound_stalls(&stream);
            let socket = socket2::SockRef::from(&stream);
            assert_eq!(socket.tcp_user_timeout().unwrap(), Some(STALL));
            assert_eq!(socket.send_buffer_size().unwrap(), 2 * SEND_BUFFER);
        });
    }

    #[test]
    fn a_reader_past_its_time_is_cut_off() {
        let mut body = Sliced::new(Bytes::from_static(b"a 1\n"));
        body.deadline = Instant::now() - Duration::from_millis(1);
        let error = next(&mut body).unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
