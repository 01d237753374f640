//! The order of password checks: one at a time, with one lane per client address.
//!
//! Lanes take turns, so a client that fills its lane delays the checks of another address by one
//! check. Names without a user share a single short lane, whatever their address: they can never
//! be correct, and must not delay the users that exist.

use crate::http::client::Peer;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Number of checks of known users that may wait or run. At the usual bcrypt cost, the last one
/// waits for a few seconds.
pub(super) const MAX_WAITING: usize = 32;
/// Number of these that one client address may have.
pub(super) const MAX_PER_ADDRESS: usize = MAX_WAITING / 2;
/// Number of checks of names without a user that may wait or run.
pub(super) const MAX_UNKNOWN: usize = 4;

/// Bits of an IPv6 address that identify a client: a single host usually has a /64 network.
const CLIENT_BITS: u32 = 64;

/// Checks that wait behind each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in super::super) enum Lane {
    /// Names without a user.
    UnknownUser,
    /// Clients with this address, or in this IPv6 network.
    Address(IpAddr),
    /// Clients without an IP address.
    Local,
}

impl Lane {
    /// The lane of a known user's check.
    pub(super) fn of(peer: Option<&Peer>) -> Self {
        match peer {
            Some(Peer::Ip(address)) => Self::Address(client(*address)),
            Some(Peer::Local | Peer::Unknown) | None => Self::Local,
        }
    }
}

fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) >> CLIENT_BITS << CLIENT_BITS;
            Ipv6Addr::from(network).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

/// The queue.
pub(super) struct Queue {
    lanes: Mutex<HashMap<Lane, LaneState>>,
    running: Arc<Semaphore>,
}

struct LaneState {
    places: usize,
    /// Held by the first of the lane.
    first: Arc<Semaphore>,
}

/// A place in a lane; given up when dropped.
pub(super) struct Place {
    queue: Arc<Queue>,
    lane: Lane,
    first: Arc<Semaphore>,
}

/// Permission to run a check; ends when dropped.
pub(super) struct Turn {
    _running: OwnedSemaphorePermit,
    _first: OwnedSemaphorePermit,
    _place: Place,
}

impl Queue {
    pub(super) fn new() -> Self {
        Self {
            lanes: Mutex::default(),
            running: Arc::new(Semaphore::new(1)),
        }
    }

    /// Takes a place in a lane, unless the lane or the queue is full.
    pub(super) fn enter(self: &Arc<Self>, lane: Lane) -> Option<Place> {
        let mut lanes = self.lanes();
        let places = |lane: &Lane| lanes.get(lane).map_or(0, |state| state.places);
        let known = lanes.iter().filter(|(lane, _)| **lane != Lane::UnknownUser);
        let known: usize = known.map(|(_, state)| state.places).sum();
        let has_room = match lane {
            Lane::UnknownUser => places(&lane) < MAX_UNKNOWN,
            Lane::Address(_) | Lane::Local => {
                known < MAX_WAITING && places(&lane) < MAX_PER_ADDRESS
            }
        };
        if !has_room {
            return None;
        }
        let state = lanes.entry(lane).or_insert_with(|| LaneState {
            places: 0,
            first: Arc::new(Semaphore::new(1)),
        });
        state.places += 1;
        Some(Place {
            queue: Arc::clone(self),
            lane,
            first: Arc::clone(&state.first),
        })
    }

    /// Number of checks that wait or run.
    pub(super) fn len(&self) -> usize {
        self.lanes().values().map(|state| state.places).sum()
    }

    /// Lets no check run until the permit is dropped.
    #[cfg(test)]
    pub(super) async fn pause(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.running).acquire_owned().await.unwrap()
    }

    fn lanes(&self) -> MutexGuard<'_, HashMap<Lane, LaneState>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Waits until this check may run. Semaphores are fair, and only the first of each lane waits
    /// for the second one, so the lanes take turns. `None` if a semaphore is closed, which never
    /// happens.
    pub(super) async fn turn(self) -> Option<Turn> {
        let first = Arc::clone(&self.first).acquire_owned().await.ok()?;
        let running = Arc::clone(&self.queue.running).acquire_owned().await;
        Some(Turn {
            _running: running.ok()?,
            _first: first,
            _place: self,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut lanes = self.queue.lanes();
        if let Some(state) = lanes.get_mut(&self.lane) {
            state.places -= 1;
            if state.places == 0 {
                lanes.remove(&self.lane);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Lane {
        Lane::of(Some(&Peer::Ip(text.parse().unwrap())))
    }

    #[test]
    fn an_address_and_unknown_names_have_a_part_of_the_queue() {
        let queue = Arc::new(Queue::new());
        let fill = |lane| std::iter::from_fn(|| queue.enter(lane)).collect::<Vec<_>>();
        let one = fill(address("192.0.2.1"));
        assert_eq!(one.len(), MAX_PER_ADDRESS);
        let unknown = fill(Lane::UnknownUser);
        assert_eq!(unknown.len(), MAX_UNKNOWN);
        let two = fill(address("192.0.2.2"));
        assert_eq!(one.len() + two.len(), MAX_WAITING);
        assert!(queue.enter(Lane::Local).is_none(), "the queue is full");
        drop((one, two, unknown));
        assert_eq!((queue.len(), queue.lanes().len()), (0, 0));
    }

    #[tokio::test]
    async fn lanes_take_turns() {
        let queue = Arc::new(Queue::new());
        let running = queue.pause().await;
        let (one, two) = (address("192.0.2.1"), address("192.0.2.2"));
        let order = Mutex::new(Vec::new());
        let lanes = [one, one, one, two].map(|lane| {
            let place = queue.enter(lane).unwrap();
            let order = &order;
            async move {
                let turn = place.turn().await;
                order.lock().unwrap().push(lane);
                drop(turn);
            }
        });
        let release = async {
            tokio::task::yield_now().await;
            drop(running);
        };
        tokio::join!(futures_util::future::join_all(lanes), release);
        assert_eq!(order.into_inner().unwrap(), [one, two, one, one]);
    }

    #[test]
    fn a_client_is_an_ipv4_address_or_an_ipv6_network() {
        assert_eq!(address("::ffff:192.0.2.1"), address("192.0.2.1"));
        assert_ne!(address("192.0.2.2"), address("192.0.2.1"));
        assert_eq!(address("2001:db8::1"), address("2001:db8::2:0:0:1"));
        assert_ne!(address("2001:db8::1"), address("2001:db8:0:1::1"));
    }
}
