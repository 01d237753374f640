//! The budget of unread bodies.

use super::super::unread::{Reader, SLOW, STALLED, UnreadBodies, UnreadBody};
use crate::http::body::Piece;
use actix_web::web::Bytes;
use prometheus::IntGauge;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const BUDGET: usize = 1 << 20;

/// Counts how often its connection was ended.
#[derive(Default)]
struct Client(AtomicUsize);

impl Reader for Client {
    fn end(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Client {
    fn ended(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

struct Scene {
    gauge: IntGauge,
    bodies: UnreadBodies,
}

impl Scene {
    fn new() -> Self {
        let gauge = IntGauge::new("bytes", "bytes").unwrap();
        let bodies = UnreadBodies::new(gauge.clone());
        Self { gauge, bodies }
    }

    fn add(&self, body: &Bytes, client: &Arc<Client>, now: u64) -> Option<UnreadBody> {
        let client: Arc<dyn Reader> = Arc::<Client>::clone(client);
        let pieces = [Piece::whole(body.clone())];
        self.bodies
            .add(&pieces, &Arc::downgrade(&client), BUDGET, now)
    }
}

fn body(size: usize) -> Bytes {
    vec![b'x'; size].into()
}

#[test]
fn a_shared_body_counts_once_until_its_last_response_ends() {
    let (scene, client, shared) = (Scene::new(), Arc::default(), body(BUDGET / 4));
    let mut responses: Vec<_> = (0..100).map(|_| scene.add(&shared, &client, 0)).collect();
    assert!(responses.iter().all(Option::is_some));
    assert_eq!(scene.gauge.get(), 1 << 18);
    responses.truncate(1);
    assert_eq!(scene.gauge.get(), 1 << 18);
    responses.clear();
    assert_eq!(scene.gauge.get(), 0);
}

#[test]
fn beyond_the_budget_responses_are_refused_until_clients_have_stalled() {
    let (scene, first, other) = (Scene::new(), Arc::default(), Arc::default());
    let half = BUDGET * 7 / 16;
    let kept = [
        scene.add(&body(half), &first, 0),
        scene.add(&body(half), &other, 1),
    ];
    assert!(kept.iter().all(Option::is_some));
    let new = Arc::default();
    assert!(scene.add(&body(half), &new, STALLED - 1).is_none());
    assert_eq!(first.ended() + other.ended(), 0);
    let added = scene.add(&body(half), &new, STALLED).unwrap();
    assert_eq!((first.ended(), other.ended(), new.ended()), (1, 0, 0));
    assert_eq!(usize::try_from(scene.gauge.get()), Ok(2 * half));
    drop((kept, added));
    assert_eq!(scene.gauge.get(), 0);
}

#[test]
fn a_client_that_reads_keeps_its_body_unless_it_reads_too_slowly() {
    let (scene, reads, stalled, new) =
        (Scene::new(), Arc::default(), Arc::default(), Arc::default());
    let half = BUDGET * 7 / 16;
    let reading = scene.add(&body(half), &reads, 0).unwrap();
    let _stalled = scene.add(&body(half), &stalled, 0).unwrap();
    reading.progress(STALLED);
    let added = scene.add(&body(half), &new, STALLED).unwrap();
    assert_eq!((reads.ended(), stalled.ended()), (0, 1));
    reading.progress(SLOW);
    added.progress(SLOW);
    assert!(scene.add(&body(half), &new, SLOW).is_some());
    assert_eq!(reads.ended(), 1);
}

/// The smallest are not counted.
#[test]
fn large_bodies_leave_room_for_small_ones() {
    let (scene, client) = (Scene::new(), Arc::default());
    let large = body(16 * BUDGET);
    let mut kept = vec![scene.add(&large, &client, 0).unwrap()];
    assert!(scene.add(&body(BUDGET / 2), &client, 0).is_none());
    while let Some(response) = scene.add(&body(16 << 10), &client, 0) {
        kept.push(response);
    }
    assert_eq!(kept.len(), 1 + BUDGET / 16 / (16 << 10));
    kept.extend((0..1000).map(|_| scene.add(&body(4 << 10), &client, 0).unwrap()));
}

#[test]
fn small_bodies_use_the_whole_budget_if_it_is_free() {
    let (scene, client) = (Scene::new(), Arc::default());
    let mut kept = Vec::new();
    while let Some(response) = scene.add(&body(16 << 10), &client, 0) {
        kept.push(response);
    }
    assert_eq!(kept.len(), BUDGET / (16 << 10));
    assert!(scene.add(&body(300 << 10), &client, 0).is_none());
}

#[test]
fn a_body_above_the_budget_is_admitted_while_half_of_it_is_free() {
    let (scene, client) = (Scene::new(), Arc::default());
    let _some = scene.add(&body(BUDGET / 3), &client, 0).unwrap();
    let _huge = scene.add(&body(4 * BUDGET), &client, 0).unwrap();
    assert!(scene.add(&body(4 * BUDGET), &client, 0).is_none());
}
