//! Which checks run, which are shared, and which are refused.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use super::super::users::tests::users;
use super::queue::{MAX_PER_ADDRESS, MAX_UNKNOWN};
use super::*;
use futures_util::future::join_all;

const ALICE: Peer = Peer::Ip(std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)));
const OTHER: Peer = Peer::Ip(std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2)));

fn checker() -> Arc<PasswordChecker> {
    Arc::new(PasswordChecker::new(local_exporter_actors::BlockingPool::start().unwrap()).unwrap())
}

async fn check(checker: &Arc<PasswordChecker>, name: &str, password: &str) -> PasswordCheck {
    let password = password.as_bytes();
    checker.check(&users(), Some(&ALICE), name, password).await
}

/// Runs the requests at the same time; no check runs before all of them have begun.
async fn at_once(
    checker: &Arc<PasswordChecker>,
    requests: Vec<impl Future<Output = PasswordCheck>>,
) -> Vec<PasswordCheck> {
    let running = checker.queue.pause().await;
    let release = async {
        tokio::task::yield_now().await;
        drop(running);
    };
    tokio::join!(join_all(requests), release).0
}

fn count(results: &[PasswordCheck], wanted: PasswordCheck) -> usize {
    results.iter().filter(|result| **result == wanted).count()
}

#[tokio::test]
async fn a_password_is_valid_for_its_user_only() {
    let checker = checker();
    for (name, password, expected) in [
        ("alice", "secret", PasswordCheck::Correct),
        ("alice", "other", PasswordCheck::Wrong),
        ("bob", "secret", PasswordCheck::Wrong),
        ("carol", "secret", PasswordCheck::Wrong),
        ("", "", PasswordCheck::Wrong),
    ] {
        assert_eq!(check(&checker, name, password).await, expected, "{name}");
    }
}

#[tokio::test]
async fn results_are_cached_for_the_hash_of_the_user() {
    let checker = checker();
    let before = users();
    let ask = |users, peer| {
        let checker = Arc::clone(&checker);
        async move { checker.check(users, peer, "alice", b"secret").await }
    };
    assert_eq!(ask(&before, Some(&ALICE)).await, PasswordCheck::Correct);
    // While no check can run, only cached results are returned.
    let _running = checker.queue.pause().await;
    assert_eq!(ask(&before, Some(&OTHER)).await, PasswordCheck::Correct);
    let changed = users();
    let within = Duration::from_millis(20);
    let result = tokio::time::timeout(within, ask(&changed, Some(&ALICE)));
    assert!(result.await.is_err(), "the hash has another salt");
}

#[tokio::test]
async fn requests_with_the_same_credentials_share_one_check() {
    let checker = checker();
    let users = users();
    let request = |_| checker.check(&users, Some(&ALICE), "alice", b"secret");
    let results = at_once(&checker, (0..100).map(request).collect()).await;
    assert_eq!(count(&results, PasswordCheck::Correct), 100, "{results:?}");
    assert_eq!(checker.state().next, 1, "one check");
    assert!(checker.state().pending.is_empty());
}

#[tokio::test]
async fn one_address_cannot_fill_the_queue() {
    let checker = checker();
    let users = users();
    let passwords: Vec<String> = (0..60).map(|n| n.to_string()).collect();
    let request = |n: usize| {
        let (peer, password) = match passwords.get(n) {
            Some(password) => (ALICE, password.as_str()),
            None => (OTHER, "secret"),
        };
        let (checker, users) = (&checker, &users);
        async move {
            checker
                .check(users, Some(&peer), "alice", password.as_bytes())
                .await
        }
    };
    let results = at_once(&checker, (0..=60).map(request).collect()).await;
    assert_eq!(results.last(), Some(&PasswordCheck::Correct));
    assert_eq!(count(&results, PasswordCheck::Wrong), MAX_PER_ADDRESS);
    assert_eq!(count(&results, PasswordCheck::Busy), 60 - MAX_PER_ADDRESS);
}

#[tokio::test]
async fn clients_with_new_names_do_not_lock_out_users_not_even_of_their_address() {
    let checker = checker();
    let users = users();
    let names: Vec<String> = (0..60).map(|n| format!("name{n}")).collect();
    let request = |n: usize| {
        let name = names.get(n).map_or("alice", String::as_str);
        let (checker, users) = (&checker, &users);
        async move { checker.check(users, Some(&ALICE), name, b"secret").await }
    };
    let results = at_once(&checker, (0..=60).map(request).collect()).await;
    assert_eq!(results.last(), Some(&PasswordCheck::Correct));
    assert_eq!(count(&results, PasswordCheck::Wrong), 60);
    let checks = usize::try_from(checker.state().next).unwrap();
    assert_eq!(checks, MAX_UNKNOWN + 1, "the other names cost no check");
}

#[tokio::test]
async fn a_check_that_no_request_waits_for_is_forgotten() {
    let checker = checker();
    let running = checker.queue.pause().await;
    let within = Duration::from_millis(20);
    let result = tokio::time::timeout(within, check(&checker, "alice", "secret"));
    assert!(result.await.is_err());
    assert!(checker.state().pending.is_empty());
    assert_eq!(checker.queue.len(), 0);
    drop(running);
    let result = check(&checker, "alice", "secret").await;
    assert_eq!(result, PasswordCheck::Correct);
}
