//! The bodies that clients have not read yet, all connections together, and which of them end
//! once they occupy too much memory.
//!
//! A body that several responses share counts once. When the budget is used up, one more
//! response ends the connections of clients that have stopped reading, the longest first. If
//! there are none, it is refused. A client that reads is therefore refused at most as long as
//! a client that does not read may keep its body: [`STALLED`], or [`SLOW`] if it reads a
//! little. Small bodies fit into the buffers of the kernel, so they are hardly ever unread;
//! they have a budget of their own, which large bodies cannot use up.
//!
//! Knows neither the clock nor the configured limits.

use crate::http::body::Piece;
use prometheus::IntGauge;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// After so many milliseconds without a slice, the clients of a body have stopped reading.
pub(super) const STALLED: u64 = 500;
/// After so many milliseconds, its clients read a body too slowly to keep it if others need
/// the memory.
pub(super) const SLOW: u64 = 10_000;
/// Bodies of at most so many bytes are not counted: each is part of the memory of its
/// connection.
const FREE: usize = 4 << 10;
/// Bodies of at most so many bytes are small.
const SMALL: usize = 256 << 10;
/// Divides the budget to obtain that of small bodies.
const PART_OF_SMALL: usize = 16;

/// A client with an unread body.
pub(super) trait Reader: Send + Sync {
    /// Ends its connection.
    fn end(&self);
}

/// The unread bodies of all clients.
#[derive(Clone, Debug)]
pub(super) struct UnreadBodies(Arc<Mutex<Table>>);

#[derive(Debug)]
struct Table {
    /// By address.
    bodies: HashMap<usize, Body>,
    used: Used,
    next: u64,
    gauge: IntGauge,
}

/// Sums of sizes, in bytes.
#[derive(Clone, Copy, Debug, Default)]
struct Used {
    small: usize,
    large: usize,
}

/// A body, which several responses may share.
struct Body {
    /// Kept, so that no other body gets its address.
    _piece: Piece,
    size: usize,
    /// When the last of the responses began, in milliseconds since startup.
    newest: u64,
    /// When one of the clients requested a slice for the last time.
    progress: u64,
    /// By the number of the response.
    readers: HashMap<u64, Weak<dyn Reader>>,
}

impl std::fmt::Debug for Body {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} x {}", self.readers.len(), self.size)
    }
}

/// The unread body of one response; no longer unread once dropped.
#[derive(Debug)]
pub(crate) struct UnreadBody {
    bodies: UnreadBodies,
    number: u64,
    addresses: Vec<usize>,
}

impl UnreadBodies {
    /// Without any body. `gauge` shows the sum of their sizes.
    pub(super) fn new(gauge: IntGauge) -> Self {
        Self(Arc::new(Mutex::new(Table {
            bodies: HashMap::new(),
            used: Used::default(),
            next: 0,
            gauge,
        })))
    }

    /// Adds the body of a response, in pieces. `None` if the unread bodies already occupy the
    /// `budget`, in bytes, and the clients of too few of them have stopped reading.
    pub(super) fn add(
        &self,
        pieces: &[Piece],
        reader: &Weak<dyn Reader>,
        budget: usize,
        now: u64,
    ) -> Option<UnreadBody> {
        let counted: Vec<_> = pieces.iter().filter(|piece| piece.kept() > FREE).collect();
        let mut table = self.table();
        let ended = table.make_room(&counted, budget, now)?;
        let number = table.insert(&counted, reader, now);
        drop(table);
        for reader in ended.iter().filter_map(Weak::upgrade) {
            reader.end();
        }
        Some(UnreadBody {
            bodies: self.clone(),
            number,
            addresses: counted.iter().map(|piece| piece.address()).collect(),
        })
    }

    /// Ignores poisoning: a panic leaves the table usable.
    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Removes stalled bodies until the pieces fit; returns their readers. `None`, without
    /// removing any, if the pieces would not fit even then.
    fn make_room(
        &mut self,
        pieces: &[&Piece],
        budget: usize,
        now: u64,
    ) -> Option<Vec<Weak<dyn Reader>>> {
        let is_new = |piece: &&&Piece| !self.bodies.contains_key(&piece.address());
        let new = pieces.iter().filter(is_new).map(|piece| piece.kept()).sum();
        if self.used.has_room(new, budget) {
            return Some(Vec::new());
        }
        let is_own = |address| pieces.iter().any(|piece| piece.address() == address);
        let bodies = self.bodies.iter();
        let stalled = bodies.filter(|(address, body)| body.is_stalled(now) && !is_own(**address));
        let mut stalled: Vec<_> = stalled
            .map(|(address, body)| (body.progress, *address, body.size))
            .collect();
        let mut left = self.used;
        stalled.iter().for_each(|(.., size)| left.remove(*size));
        if !left.has_room(new, budget) {
            return None;
        }
        stalled.sort_unstable();
        let mut ended = Vec::new();
        for (_, address, _) in stalled {
            if self.used.has_room(new, budget) {
                break;
            }
            ended.extend(self.remove(address));
        }
        Some(ended)
    }

    /// Inserts the pieces of a response; returns its number.
    fn insert(&mut self, pieces: &[&Piece], reader: &Weak<dyn Reader>, now: u64) -> u64 {
        let number = self.next;
        self.next += 1;
        for piece in pieces {
            let body = self.bodies.entry(piece.address()).or_insert_with(|| {
                self.used.add(piece.kept());
                Body {
                    _piece: Piece::clone(piece),
                    size: piece.kept(),
                    newest: now,
                    progress: now,
                    readers: HashMap::new(),
                }
            });
            (body.newest, body.progress) = (now, now);
            body.readers.insert(number, Weak::clone(reader));
        }
        self.show();
        number
    }

    /// Removes a body; returns its readers.
    fn remove(&mut self, address: usize) -> impl Iterator<Item = Weak<dyn Reader>> + use<> {
        let body = self.bodies.remove(&address);
        self.used.remove(body.as_ref().map_or(0, |body| body.size));
        self.show();
        body.into_iter().flat_map(|body| body.readers.into_values())
    }

    fn show(&self) {
        let bytes = self.used.small + self.used.large;
        self.gauge.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }
}

impl Body {
    fn is_stalled(&self, now: u64) -> bool {
        now.saturating_sub(self.progress) >= STALLED || now.saturating_sub(self.newest) >= SLOW
    }
}

impl Used {
    fn sum_of(&mut self, size: usize) -> &mut usize {
        if size <= SMALL {
            &mut self.small
        } else {
            &mut self.large
        }
    }

    fn add(&mut self, size: usize) {
        *self.sum_of(size) += size;
    }

    fn remove(&mut self, size: usize) {
        *self.sum_of(size) -= size;
    }

    /// Whether `new` bytes may be added. A body above half of the budget is admitted like one
    /// of half of it: otherwise some bodies would never be.
    fn has_room(self, new: usize, budget: usize) -> bool {
        let of_small = budget / PART_OF_SMALL;
        let used = self.large + self.small.saturating_sub(of_small);
        new == 0
            || (new <= SMALL && self.small + new <= of_small)
            || used + new.min(budget / 2) <= budget - of_small
    }
}

impl UnreadBody {
    /// Notes that the client has requested a slice.
    pub(crate) fn progress(&self, now: u64) {
        let mut table = self.bodies.table();
        for address in &self.addresses {
            if let Some(body) = table.bodies.get_mut(address) {
                body.progress = now;
            }
        }
    }
}

impl Drop for UnreadBody {
    fn drop(&mut self) {
        let mut table = self.bodies.table();
        for address in &self.addresses {
            // A body may have been removed, and added again by another response.
            let body = table.bodies.get_mut(address);
            let was_last = body.is_some_and(|body| {
                body.readers.remove(&self.number).is_some() && body.readers.is_empty()
            });
            if was_last {
                drop(table.remove(*address));
            }
        }
    }
}
