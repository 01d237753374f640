//! Response bodies in slices, with a time limit.
//!
//! actix-web copies a whole body into the write buffer of a connection. Slices share one body
//! among any number of clients. The kernel ends the connection of a client that accepts no
//! bytes; a client that accepts few is cut off here, at the first slice that it requests too
//! late. It may still receive the little that the kernel holds by then.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::web::Bytes;
use actix_web::{HttpResponse, HttpResponseBuilder};
use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

/// Size of a slice, in bytes.
const SLICE: usize = 32 * 1024;
/// Time limit for writing one body, and for a client that accepts no bytes.
pub(super) const WRITE_TIMEOUT: Duration = Duration::from_secs(60);

/// A part of a response body, which may itself be a part of other bytes in memory.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    bytes: Bytes,
    /// Size of the bytes that stay in memory because of it.
    kept: usize,
}

impl Piece {
    /// All of these bytes.
    #[must_use]
    pub(crate) fn whole(bytes: Bytes) -> Self {
        let kept = bytes.len();
        Self { bytes, kept }
    }

    /// The first bytes of a body, at most `length`.
    #[must_use]
    pub(crate) fn start_of(body: &Bytes, length: usize) -> Self {
        Self {
            bytes: body.slice(..length.min(body.len())),
            kept: body.len(),
        }
    }

    /// Size in bytes.
    #[must_use]
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Size, in bytes, of what stays in memory.
    #[must_use]
    pub(super) fn kept(&self) -> usize {
        self.kept
    }

    /// Identifies the bytes: pieces that share them have the same address.
    #[must_use]
    pub(super) fn address(&self) -> usize {
        self.bytes.as_ptr().addr()
    }
}

/// The pieces of a body, attached to a response without a body.
struct Pieces(Vec<Piece>);

/// Finishes a response whose body consists of several pieces, which are not copied.
pub(crate) fn in_pieces(mut response: HttpResponseBuilder, pieces: Vec<Piece>) -> HttpResponse {
    let mut response = response.finish();
    response.extensions_mut().insert(Pieces(pieces));
    response
}

/// Takes the body of a response, in pieces.
///
/// # Errors
/// If the body is not in memory, which no page returns.
pub(super) fn take_pieces(
    response: HttpResponse,
) -> Result<(HttpResponse<()>, Vec<Piece>), BoxBody> {
    let (mut head, body) = response.into_parts();
    let attached = head.extensions_mut().remove::<Pieces>();
    let pieces = match attached {
        Some(Pieces(pieces)) => pieces,
        None => vec![Piece::whole(body.try_into_bytes()?)],
    };
    Ok((head, pieces))
}

/// A body of known length, written in slices.
#[derive(Debug)]
pub(super) struct SlicedBody {
    pieces: VecDeque<Bytes>,
    size: u64,
    deadline: Instant,
}

impl SlicedBody {
    /// Starts the time limit.
    #[must_use]
    pub(super) fn new(pieces: Vec<Piece>) -> Self {
        let size = pieces.iter().map(|piece| piece.bytes.len() as u64).sum();
        Self {
            pieces: pieces.into_iter().map(|piece| piece.bytes).collect(),
            size,
            deadline: Instant::now() + WRITE_TIMEOUT,
        }
    }

    /// Size in bytes.
    #[must_use]
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The next slice; `None` at the end.
    ///
    /// # Errors
    /// If the client took too long.
    pub(super) fn next_slice(&mut self) -> Option<io::Result<Bytes>> {
        while self.pieces.front().is_some_and(Bytes::is_empty) {
            self.pieces.pop_front();
        }
        let piece = self.pieces.front_mut()?;
        if Instant::now() > self.deadline {
            let message = format!("the client took longer than {WRITE_TIMEOUT:?} to read the body");
            return Some(Err(io::Error::new(io::ErrorKind::TimedOut, message)));
        }
        Some(Ok(piece.split_to(piece.len().min(SLICE))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_share_the_pieces_and_cover_all_of_them() {
        let bytes: Bytes = (0..200_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let pieces = vec![
            Piece::whole(Bytes::from_static(b"before")),
            Piece::start_of(&bytes, 150_000),
            Piece::whole(Bytes::new()),
            Piece::whole(Bytes::from_static(b"after")),
        ];
        assert_eq!(pieces[1].kept(), 200_000);
        assert_eq!(pieces[1].address(), Piece::whole(bytes.clone()).address());
        let mut body = SlicedBody::new(pieces);
        assert_eq!(body.size(), 150_011);
        let (mut whole, mut shared) = (Vec::new(), 0);
        while let Some(slice) = body.next_slice() {
            let slice = slice.unwrap();
            assert!(slice.len() <= SLICE);
            if bytes.as_ptr_range().contains(&slice.as_ptr()) {
                shared += slice.len();
            }
            whole.extend_from_slice(&slice);
        }
        assert_eq!(shared, 150_000, "slices are copies");
        assert_eq!(whole, [b"before", &bytes[..150_000], b"after"].concat());
    }

    #[test]
    fn a_client_that_exceeds_the_time_limit_is_cut_off() {
        let mut body = SlicedBody::new(vec![Piece::whole(Bytes::from_static(b"a 1\n"))]);
        body.deadline = Instant::now() - Duration::from_millis(1);
        let error = body.next_slice().unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
