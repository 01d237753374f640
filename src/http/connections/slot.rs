//! The slot of one connection: its priority, its state and the wake-ups of its stream.
//!
//! Knows no other slot; `slots` decides which connection is evicted.

use super::backpressure::Backpressure;
use super::occupancy::{AtomicOccupancy, Occupancy};
use super::slot_context::SlotContext;
use super::unread::{Reader, UnreadBody};
use crate::http::body::Piece;
use crate::limits::Limit;
use futures_util::task::AtomicWaker;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Duration, Instant};

/// Responses whose bodies are sent at a time on one multiplexed connection. Others wait.
const MAX_SENDING: usize = 8;
/// How long a reserved slot can be used.
const RESERVED_FOR: Duration = Duration::from_secs(2);

/// The requests that are served on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Priority {
    /// Everything.
    Normal,
    /// A single small page about the exporter, no scrape.
    Reserved,
}

/// The slot of one connection.
#[derive(Debug)]
pub(crate) struct ConnectionSlot {
    number: u64,
    priority: Priority,
    context: Arc<SlotContext>,
    /// When it was taken.
    taken: Instant,
    occupancy: AtomicOccupancy,
    /// Requests so far.
    requests: AtomicU64,
    /// Wakes the stream when the slot is evicted.
    waker: AtomicWaker,
    /// Whether to wake the stream also when a request begins or ends.
    wake_on_request: AtomicBool,
    /// Becomes true when the connection has ended.
    ended: watch::Sender<bool>,
    /// Whether a request had a body, which may be unread when the connection is closed.
    had_request_body: AtomicBool,
    /// Whether the client accepts bytes.
    backpressure: Backpressure,
    /// One permit for each body that is being sent on a multiplexed connection.
    sending: Arc<Semaphore>,
}

impl ConnectionSlot {
    /// A slot that is idle since `now`.
    pub(super) fn new(
        number: u64,
        priority: Priority,
        context: Arc<SlotContext>,
        now: u64,
    ) -> Self {
        Self {
            number,
            priority,
            taken: context.instant(now),
            context,
            occupancy: AtomicOccupancy::idle(now),
            requests: AtomicU64::new(0),
            waker: AtomicWaker::new(),
            wake_on_request: AtomicBool::new(false),
            ended: watch::Sender::new(false),
            had_request_body: AtomicBool::new(false),
            backpressure: Backpressure::default(),
            sending: Arc::new(Semaphore::new(MAX_SENDING)),
        }
    }

    /// Unique number, ascending in the order of admission.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The requests that are served on the connection.
    #[must_use]
    pub(crate) fn priority(&self) -> Priority {
        self.priority
    }

    /// Begins a request. It ends when the guard is dropped.
    #[must_use]
    pub(crate) fn begin_request(self: &Arc<Self>) -> BusyGuard {
        self.requests.fetch_add(1, Ordering::AcqRel);
        self.wake_if_requested();
        self.busy()
    }

    /// Keeps the connection busy until the guard is dropped.
    pub(super) fn busy(self: &Arc<Self>) -> BusyGuard {
        self.occupancy.begin_use();
        BusyGuard(Arc::clone(self))
    }

    /// Number of requests and responses in progress.
    #[must_use]
    pub(crate) fn in_progress(&self) -> u64 {
        self.occupancy.uses()
    }

    /// When a reserved slot must be free again; `None` for others.
    pub(super) fn reserved_until(&self) -> Option<Instant> {
        (self.priority == Priority::Reserved).then(|| self.taken + RESERVED_FOR)
    }

    /// Notes that a request has a body.
    pub(crate) fn set_request_body(&self) {
        self.had_request_body.store(true, Ordering::Release);
    }

    pub(super) fn had_request_body(&self) -> bool {
        self.had_request_body.load(Ordering::Acquire)
    }

    /// Adds the body of a response to those that are not read yet; `None` if they occupy too
    /// much memory.
    pub(crate) fn add_unread(self: &Arc<Self>, pieces: &[Piece]) -> Option<UnreadBody> {
        let this: Arc<dyn Reader> = Arc::<Self>::clone(self);
        let reader: Weak<dyn Reader> = Arc::downgrade(&this);
        let (unread, now) = (&self.context.unread, self.context.now());
        let added = unread.add(pieces, &reader, self.context.limits().max_unread, now);
        if added.is_none() {
            self.reached(Limit::MaxUnread);
        }
        added
    }

    /// Notes that the client has requested a slice of a body.
    pub(crate) fn progress(&self, body: &UnreadBody) {
        body.progress(self.context.now());
    }

    /// Waits until one more body may be sent on a multiplexed connection.
    pub(crate) async fn may_send(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed.
        Arc::clone(&self.sending).acquire_owned().await.ok()
    }

    /// Sets whether the client accepts no bytes.
    pub(super) fn set_blocked(&self, blocked: bool) {
        self.backpressure.set_blocked(blocked);
    }

    /// Ready while the client accepts bytes, and once the connection has ended.
    pub(crate) fn poll_accepts(&self, cx: &Context<'_>) -> Poll<()> {
        self.backpressure.poll_accepts(cx)
    }

    /// Ends the connection in any state because it has reached a limit.
    pub(crate) fn end(&self, limit: Limit) {
        if self.occupancy.evict() {
            self.reached(limit);
            self.waker.wake();
        }
    }

    /// Resolves when the connection has ended.
    pub(crate) async fn ended(&self) {
        // The sender lives as long as the slot.
        let _ = self.ended.subscribe().wait_for(|ended| *ended).await;
    }

    /// Evicts the connection if it is idle since exactly `since`; otherwise returns its state.
    pub(super) fn evict_if_idle_since(&self, since: u64) -> Result<(), Occupancy> {
        self.occupancy.evict_if_idle_since(since)?;
        self.waker.wake();
        Ok(())
    }

    /// Wakes the stream when the next request begins or one ends.
    pub(super) fn wake_on_request(&self) {
        self.wake_on_request.store(true, Ordering::Release);
    }

    fn wake_if_requested(&self) {
        if self.wake_on_request.swap(false, Ordering::AcqRel) {
            self.waker.wake();
        }
    }

    /// Wakes the stream.
    pub(super) fn wake(&self) {
        self.waker.wake();
    }

    /// Sets the task to wake when the slot is evicted.
    pub(super) fn register_waker(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    /// Notes that the connection has ended.
    pub(super) fn set_ended(&self) {
        self.ended.send_replace(true);
        self.set_blocked(false);
    }

    /// State that all slots share.
    pub(super) fn context(&self) -> &SlotContext {
        &self.context
    }

    /// Since when no request is in progress; `None` if one is, or the slot is evicted.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        match self.occupancy.load() {
            Occupancy::IdleSince(millis) => Some(self.context.instant(millis)),
            Occupancy::Busy | Occupancy::Evicted => None,
        }
    }

    pub(super) fn is_busy(&self) -> bool {
        self.occupancy.load() == Occupancy::Busy
    }

    /// Whether the connection must end or has ended.
    #[must_use]
    pub(crate) fn is_ending(&self) -> bool {
        self.is_evicted() || *self.ended.borrow()
    }

    pub(super) fn is_evicted(&self) -> bool {
        self.occupancy.load() == Occupancy::Evicted
    }

    /// Number of requests so far.
    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Acquire)
    }

    /// Counts that the client has reached a limit.
    pub(super) fn reached(&self, limit: Limit) {
        self.context.reached(limit);
    }
}

impl Reader for ConnectionSlot {
    fn end(&self) {
        Self::end(self, Limit::MaxUnread);
    }
}

/// Keeps a connection busy until it is dropped.
#[derive(Debug)]
pub(crate) struct BusyGuard(Arc<ConnectionSlot>);

impl BusyGuard {
    /// Ends the connection because it has reached a limit.
    pub(crate) fn end(&self, limit: Limit) {
        self.0.end(limit);
    }
}

impl Drop for BusyGuard {
    fn drop(&mut self) {
        self.0.occupancy.end_use(self.0.context.now());
        self.0.wake_if_requested();
    }
}
