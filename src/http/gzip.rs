//! Bodies compressed with gzip (RFC 1952), for clients that ask for it.
//!
//! What several are answered with is compressed once: the result stays with
//! the body. Fast rather than small: an exposition shrinks to a tenth even so.
//! Nothing here decides who gets it.

use crate::http::body::SlicedBody;
use actix_web::error::BlockingError;
use actix_web::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, VARY};
use actix_web::http::header::{AcceptEncoding, Encoding, Header, HeaderValue};
use actix_web::web::{self, Bytes};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use flate2::{Compress, Compression, FlushCompress, Status};
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a compressed body says of itself.
pub(crate) const GZIP: HeaderValue = HeaderValue::from_static("gzip");
/// Bodies of fewer bytes are sent as they are: they fit into a few packets.
pub(crate) const SMALLEST: usize = 4096;
/// Larger ones are compressed on the blocking pool: it takes some 5 ms for each MiB.
const IN_PLACE: usize = 64 * 1024;
/// How many compressors are kept for the next body; each has about 300 KiB.
const KEPT: usize = 2;
/// The base-two logarithm of the window, the largest that there is.
const WINDOW: u8 = 15;

/// Whether a client wants gzip rather than nothing (RFC 9110, section 12.5.3).
#[must_use]
pub(crate) fn wanted(request: &HttpRequest) -> bool {
    // Without the header nothing is wanted, and most of all no work.
    request.headers().contains_key(ACCEPT_ENCODING)
        && AcceptEncoding::parse(request).is_ok_and(|accepted| {
            let offered = [Encoding::gzip(), Encoding::identity()];
            accepted.negotiate(offered.iter()) == Some(Encoding::gzip())
        })
}

/// Finishes a response with a body that is made for it alone, compressed if that is wanted.
pub(crate) async fn respond(
    request: &HttpRequest,
    compressors: &web::Data<Compressors>,
    mut response: HttpResponseBuilder,
    body: Bytes,
) -> HttpResponse {
    response.insert_header((VARY, ACCEPT_ENCODING.as_str()));
    if body.len() < SMALLEST || !wanted(request) {
        return response.body(SlicedBody::new(body));
    }
    match Compressors::compress(compressors.clone(), body.clone()).await {
        Ok(compressed) => {
            response.insert_header((CONTENT_ENCODING, GZIP));
            response.body(SlicedBody::new(compressed))
        }
        Err(error) => {
            tracing::warn!(%error, "cannot compress a page");
            response.body(SlicedBody::new(body))
        }
    }
}

/// Compressors, kept for reuse: setting one up costs as much as a small body.
#[derive(Default)]
pub struct Compressors(Mutex<Vec<Compress>>);

impl std::fmt::Debug for Compressors {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Compressors")
    }
}

impl Compressors {
    /// The compressed form of a body.
    ///
    /// # Errors
    /// When the compressor fails, or the process is about to end.
    pub async fn compress(this: web::Data<Self>, body: Bytes) -> io::Result<Bytes> {
        if body.len() <= IN_PLACE {
            return this.compress_here(&body);
        }
        let compressing = web::block(move || this.compress_here(&body));
        compressing
            .await
            .unwrap_or_else(|error: BlockingError| Err(io::Error::other(error)))
    }

    fn compress_here(&self, body: &[u8]) -> io::Result<Bytes> {
        let kept = self.kept().pop();
        let mut compressor =
            kept.unwrap_or_else(|| Compress::new_gzip(Compression::fast(), WINDOW));
        compressor.reset();
        let compressed = finish(&mut compressor, body)?;
        let mut kept = self.kept();
        if kept.len() < KEPT {
            kept.push(compressor);
        }
        Ok(compressed)
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Compress>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn finish(compressor: &mut Compress, body: &[u8]) -> io::Result<Bytes> {
    let mut compressed = Vec::with_capacity(body.len() / 6 + 64);
    loop {
        let taken = usize::try_from(compressor.total_in()).unwrap_or(usize::MAX);
        let rest = body.get(taken..).unwrap_or_default();
        match compressor.compress_vec(rest, &mut compressed, FlushCompress::Finish)? {
            Status::StreamEnd => break,
            Status::Ok | Status::BufError => compressed.reserve(compressed.capacity()),
        }
    }
    compressed.shrink_to_fit();
    Ok(compressed.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;
    use std::io::Read;

    fn plain(compressed: &[u8]) -> Vec<u8> {
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(compressed)
            .read_to_end(&mut plain)
            .unwrap();
        plain
    }

    #[actix_web::test]
    async fn what_is_compressed_reads_as_it_was_and_compressors_are_used_again() {
        let compressors = web::Data::new(Compressors::default());
        let noise: Vec<u8> = (0..300_000).map(|_| fastrand::u8(..)).collect();
        let text = "metric{label=\"value\"} 123\n".repeat(40_000).into_bytes();
        for body in [Vec::new(), b"a 1\n".to_vec(), noise, text.clone()] {
            let compressed = Compressors::compress(compressors.clone(), body.clone().into());
            assert_eq!(plain(&compressed.await.unwrap()), body);
        }
        assert_eq!(compressors.kept().len(), 1);
        let small = Compressors::compress(compressors, text.into())
            .await
            .unwrap();
        assert!(small.len() < 100_000, "{}", small.len());
    }

    #[test]
    fn it_is_for_those_who_ask() {
        let cases = [
            ("gzip", true),
            ("gzip, deflate, br", true),
            ("deflate;q=0.9, gzip;q=0.5", true),
            ("*", false),
            ("gzip;q=0", false),
            ("identity;q=1, gzip;q=0.1", false),
            ("br", false),
            ("", false),
            (";;;", false),
        ];
        for (value, expected) in cases {
            let request = TestRequest::default().insert_header((ACCEPT_ENCODING, value));
            assert_eq!(wanted(&request.to_http_request()), expected, "{value}");
        }
        assert!(!wanted(&TestRequest::default().to_http_request()));
    }
}
