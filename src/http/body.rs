//! Response bodies in slices, with a time limit.
//!
//! actix-web copies a whole body into the write buffer of a connection. Slices share one body
//! among any number of clients. The kernel ends the connection of a client that accepts no
//! bytes; a client that accepts few is cut off here, at the first slice that it requests too
//! late. It may still receive the little that the kernel holds by then.

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// Size of a slice, in bytes.
const SLICE: usize = 64 * 1024;
/// Time limit for writing one body, and for a client that accepts no bytes.
pub(super) const WRITE_TIMEOUT: Duration = Duration::from_secs(60);

/// A body of known length, written in slices.
#[derive(Debug)]
pub(crate) struct SlicedBody {
    rest: Bytes,
    deadline: Instant,
}

impl SlicedBody {
    /// Starts the time limit.
    #[must_use]
    pub(crate) fn new(body: Bytes) -> Self {
        Self {
            rest: body,
            deadline: Instant::now() + WRITE_TIMEOUT,
        }
    }
}

impl MessageBody for SlicedBody {
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
            let message = format!("the client took longer than {WRITE_TIMEOUT:?} to read the body");
            return Poll::Ready(Some(Err(io::Error::new(io::ErrorKind::TimedOut, message))));
        }
        let slice = self.rest.len().min(SLICE);
        Poll::Ready(Some(Ok(self.rest.split_to(slice))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    fn next(body: &mut SlicedBody) -> Option<Result<Bytes, io::Error>> {
        let mut context = Context::from_waker(Waker::noop());
        match Pin::new(body).poll_next(&mut context) {
            Poll::Ready(slice) => slice,
            Poll::Pending => panic!("a body in memory is always ready"),
        }
    }

    #[test]
    fn slices_share_the_body_and_cover_all_of_it() {
        let bytes: Bytes = (0..200_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let mut body = SlicedBody::new(bytes.clone());
        assert_eq!(body.size(), BodySize::Sized(200_000));
        let mut whole = Vec::new();
        while let Some(slice) = next(&mut body) {
            let slice = slice.unwrap();
            assert!(slice.len() <= SLICE);
            assert!(
                bytes.as_ptr_range().contains(&slice.as_ptr()),
                "the slice is a copy"
            );
            whole.extend_from_slice(&slice);
        }
        assert_eq!(whole, bytes);
    }

    #[test]
    fn a_client_that_exceeds_the_time_limit_is_cut_off() {
        let mut body = SlicedBody::new(Bytes::from_static(b"a 1\n"));
        body.deadline = Instant::now() - Duration::from_millis(1);
        let error = next(&mut body).unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
