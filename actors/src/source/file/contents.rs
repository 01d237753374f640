//! The contents of all files that one scan holds: each once, and at most `max_bytes` in total.
//!
//! Files are admitted in the order in which they are served, so that the same files are left out
//! each time. Does no I/O.

use super::entry::{CacheEntry, LastGood, Now};
use super::version::Stamp;
use crate::reason::Reason;
use crate::scrape::ScrapeError;
use bytes::Bytes;
use local_exporter_config::shown;
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// The most contents of one length with which a file of that length is compared.
const MAX_SAME_LENGTH: usize = 4;

/// The contents held so far.
#[derive(Debug)]
pub(super) struct Contents {
    max_bytes: usize,
    held_bytes: usize,
    /// The address of each content that is held.
    addresses: HashSet<usize>,
    /// Up to [`MAX_SAME_LENGTH`] contents of each length.
    by_length: HashMap<usize, Vec<LastGood>>,
    /// What was read in this scan, valid or not: links may lead to one file many times.
    by_stamp: HashMap<Stamp, Result<LastGood, ScrapeError>>,
}

impl Contents {
    /// Holds nothing yet, and never more than `max_bytes`.
    pub(super) fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            held_bytes: 0,
            addresses: HashSet::new(),
            by_length: HashMap::new(),
            by_stamp: HashMap::new(),
        }
    }

    pub(super) fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    /// The size of the largest further content.
    pub(super) fn left(&self) -> usize {
        self.max_bytes.saturating_sub(self.held_bytes)
    }

    /// Contents of this length that are held.
    pub(super) fn of_length(&self, length: usize) -> &[LastGood] {
        self.by_length.get(&length).map_or(&[], Vec::as_slice)
    }

    /// A content that equals `body`, if it is among those of the same length.
    pub(super) fn equal_to(&self, body: &Bytes) -> Option<&LastGood> {
        let same = self.of_length(body.len()).iter();
        same.clone()
            .find(|good| good.body.as_ptr() == body.as_ptr())
            .or_else(|| same.clone().find(|good| good.body == body))
    }

    /// The result of reading this version of a file by another path.
    pub(super) fn result_of(&self, stamp: &Stamp) -> Option<&Result<LastGood, ScrapeError>> {
        self.by_stamp.get(stamp)
    }

    /// Records the result of reading a version of a file.
    pub(super) fn remember(&mut self, stamp: Stamp, result: Result<LastGood, ScrapeError>) {
        self.by_stamp.insert(stamp, result);
    }

    /// Holds the content of an entry. One that exceeds the limit is dropped: the entry that is
    /// returned has the error `too_large`.
    pub(super) fn admit(&mut self, path: &Path, entry: CacheEntry, now: Now) -> CacheEntry {
        match &entry.last_good {
            Some(good) if !self.hold(good) => CacheEntry::failed(None, self.too_large(path), now),
            _ => entry,
        }
    }

    /// Holds a content if the limit permits; one that is held already costs nothing.
    fn hold(&mut self, good: &LastGood) -> bool {
        let address = good.body.as_ptr().addr();
        if good.body.is_empty() || self.addresses.contains(&address) {
            return true;
        }
        let length = good.body.len();
        if length > self.left() {
            return false;
        }
        self.held_bytes += length;
        self.addresses.insert(address);
        let same = self.by_length.entry(length).or_default();
        if same.len() < MAX_SAME_LENGTH {
            same.push(good.clone());
        }
        true
    }

    /// The error of a file whose content exceeds what is left.
    pub(super) fn too_large(&self, path: &Path) -> ScrapeError {
        let (path, max_bytes) = (shown(path), self.max_bytes);
        let message = format!(
            "{path}: with the files before it, the contents are larger than max_bytes = {max_bytes}"
        );
        ScrapeError::new(Reason::TooLarge, message)
    }
}
