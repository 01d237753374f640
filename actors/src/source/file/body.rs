//! Reads the bytes of an open file, and stores only what is new and may be valid.
//!
//! A content that is already in memory is compared while it is read, and shared. Memory for a new
//! one is reserved when its first bytes have passed, and is never more than what is left. If it
//! cannot be allocated, that is an error of this file.

use super::contents::Contents;
use super::entry::LastGood;
use super::error::failed;
use crate::scrape::ScrapeError;
use crate::validator::Validator;
use bytes::Bytes;
use local_exporter_config::shown;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The most bytes that are read at once, and by which a file is recognised as invalid early.
const CHUNK: usize = 64 * 1024;

/// What is known before a file is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected<'e> {
    pub(super) contents: &'e Contents,
    /// The last good content of the same file.
    pub(super) previous: Option<&'e LastGood>,
    pub(super) validator: &'e Validator,
}

/// The content of a file.
#[derive(Debug)]
pub(super) enum Content {
    /// All of it.
    Read(Bytes),
    /// It is invalid, whatever follows its first bytes.
    Invalid(ScrapeError),
    /// The same version was read in this scan by another path, with this result.
    Known(Result<LastGood, ScrapeError>),
}

/// Reads a file of about `size` bytes to its end. Blocks.
///
/// # Errors
/// `too_large` if it is larger than `max_bytes` or than what other files have left of it, and the
/// reasons of operating system errors.
pub(super) fn read_body(
    file: &mut File,
    path: &Path,
    size: u64,
    expected: Expected<'_>,
) -> Result<Content, ScrapeError> {
    let contents = expected.contents;
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    if size > contents.max_bytes() {
        return Err(ScrapeError::too_large(&shown(path), contents.max_bytes()));
    }
    let mut chunk = vec![0; size.saturating_add(1).clamp(1, CHUNK)];
    let mut body = Body::new(size, expected);
    loop {
        let read = read_chunk(file, &mut chunk);
        let read = read.map_err(|error| failed("cannot read", path, &error))?;
        if read.is_empty() {
            return Ok(Content::Read(body.into_bytes()));
        }
        if body.length == 0
            && let Some(error) = expected.validator.reject_start(read, &shown(path))
        {
            return Ok(Content::Invalid(error));
        }
        if !body.fits(read, contents.left()) {
            return Err(match size > contents.left() {
                true => contents.too_large(path),
                // The file has no size, or has grown.
                false => ScrapeError::too_large(&shown(path), contents.max_bytes()),
            });
        }
        let extended = body.extend(read);
        extended.map_err(|error| failed("cannot read", path, &error))?;
    }
}

/// Reads some bytes; none at the end.
fn read_chunk<'c>(file: &mut File, chunk: &'c mut [u8]) -> io::Result<&'c [u8]> {
    loop {
        match file.read(chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return Ok(chunk.get(..read?).unwrap_or_default()),
        }
    }
}

/// The bytes that were read so far.
struct Body<'e> {
    length: usize,
    /// Contents of the expected size that begin with them. While there are any, `own` is empty.
    equal: Vec<&'e Bytes>,
    own: Vec<u8>,
    size: usize,
}

impl<'e> Body<'e> {
    fn new(size: usize, expected: Expected<'e>) -> Self {
        let held = expected.contents.of_length(size).iter();
        let same_length = |good: &&LastGood| good.body.len() == size;
        let previous = expected.previous.filter(same_length);
        Self {
            length: 0,
            equal: held.chain(previous).map(|good| &good.body).collect(),
            own: Vec::new(),
            size,
        }
    }

    /// Whether these further bytes are those of a content in memory, or the whole is within the
    /// limit.
    fn fits(&self, bytes: &[u8], left: usize) -> bool {
        let end = self.length.saturating_add(bytes.len());
        let goes_on = |known: &&Bytes| known.get(self.length..end) == Some(bytes);
        self.equal.iter().any(goes_on) || self.size.max(end) <= left
    }

    /// Adds bytes.
    fn extend(&mut self, bytes: &[u8]) -> io::Result<()> {
        let end = self.length + bytes.len();
        let begun_with = self.equal.first().copied();
        self.equal
            .retain(|known| known.get(self.length..end) == Some(bytes));
        if self.equal.is_empty() {
            if self.own.is_empty() {
                let begun = begun_with.and_then(|known| known.get(..self.length));
                self.own.try_reserve_exact(self.size.max(end))?;
                self.own.extend_from_slice(begun.unwrap_or_default());
            }
            self.own.try_reserve(bytes.len())?;
            self.own.extend_from_slice(bytes);
        }
        self.length = end;
        Ok(())
    }

    fn into_bytes(self) -> Bytes {
        match self.equal.first() {
            Some(known) => known.slice(..self.length.min(known.len())),
            None => self.own.into(),
        }
    }
}
