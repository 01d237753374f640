//! Timeouts of request heads, idle connections and writes.

use super::super::request_head::LARGEST_HEAD;
use super::super::slot::Priority;
use super::*;
use crate::http::body::WRITE_TIMEOUT;
use tokio::io::AsyncWriteExt;
use tokio::time::{advance, timeout};

#[tokio::test(start_paused = true)]
async fn every_request_head_has_a_timeout_and_an_idle_connection_too() {
    let all = connections(9);
    let is_about = |waited: Duration, limit: Duration| {
        // Timers have a resolution of a millisecond.
        assert!(waited >= limit && waited < limit + MOMENT, "{waited:?}");
    };
    let (mut silent, _client) = connect(&all);
    is_about(ends_after(&mut silent).await, HEADER_TIMEOUT);

    let (mut slow, mut client) = connect(&all);
    client.write_all(b"GET / HT").await.unwrap();
    is_about(ends_after(&mut slow).await, HEADER_TIMEOUT);
    assert_eq!(reached(&all, Limit::HeaderTimeout), 2);
    slow.shutdown().await.unwrap();
    drop(slow);
    let mut response = String::new();
    client.read_to_string(&mut response).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 408 "), "{response:?}");

    // The second request of a connection.
    let (mut second, mut client) = connect(&all);
    client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut head = [0; 18];
    second.read_exact(&mut head).await.unwrap();
    let request = second.slot().begin_request();
    advance(IDLE_TIMEOUT * 2).await;
    drop(request);
    // The response is written and flushed: the connection is idle.
    second.flush().await.unwrap();
    advance(IDLE_TIMEOUT / 2).await;
    client.write_all(b"G").await.unwrap();
    is_about(ends_after(&mut second).await, HEADER_TIMEOUT);

    let (mut idle, _client) = connect(&all);
    drop(idle.slot().begin_request());
    idle.flush().await.unwrap();
    is_about(ends_after(&mut idle).await, IDLE_TIMEOUT);
    assert_eq!(reached(&all, Limit::IdleTimeout), 1);
    assert_eq!(reached(&all, Limit::HeaderTimeout), 3);
}

#[tokio::test(start_paused = true)]
async fn a_connection_does_not_end_during_a_request() {
    let all = connections(1);
    let (mut server, _client) = connect(&all);
    let request = server.slot().begin_request();
    let long = timeout(IDLE_TIMEOUT * 10, ends_after(&mut server)).await;
    assert!(long.is_err(), "it ended");
    drop(request);
}

#[tokio::test(start_paused = true)]
async fn a_request_head_has_a_size_limit() {
    let all = connections(1);
    let (mut server, mut client) = connect(&all);
    let flood = tokio::spawn(async move {
        let part = [b'a'; 512];
        let mut sent = 0;
        while client.write_all(&part).await.is_ok() {
            sent += part.len();
        }
        sent
    });
    assert!(ends_after(&mut server).await < MOMENT);
    assert_eq!(reached(&all, Limit::HeaderSize), 1);
    server.shutdown().await.unwrap();
    drop(server);
    let sent = flood.await.unwrap();
    assert!(sent <= LARGEST_HEAD + 4096, "{sent} bytes were accepted");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_accepts_no_bytes_is_cut_off_after_a_timeout_and_not_evicted_before() {
    let all = connections(1);
    let (mut server, _client) = connect(&all);
    server.write_all(&[0; 1024]).await.unwrap();
    let began = Instant::now();
    let writing = tokio::spawn(async move { server.write_all(&[0; 1]).await });
    tokio::task::yield_now().await;
    let newcomer = all.admit().unwrap();
    assert_eq!(newcomer.slot().priority(), Priority::Reserved);
    let error = writing.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    assert!(began.elapsed() >= WRITE_TIMEOUT);
    assert_eq!(reached(&all, Limit::WriteTimeout), 1);
}

#[tokio::test(start_paused = true)]
async fn preparation_has_the_timeout_of_the_first_request_head() {
    let all = connections(1);
    let (mut server, _client) = connect(&all);
    let began = Instant::now();
    let prepared = server.prepare(|_, _| std::task::Poll::<std::io::Result<()>>::Pending);
    assert!(prepared.await.is_err());
    assert_eq!(began.elapsed(), HEADER_TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn a_reserved_connection_ends_after_two_seconds_in_any_state() {
    let all = connections(1);
    let normal = admit(&all, 1);
    let _busy = normal[0].slot().begin_request();
    let (mut idle, _idle_client) = connect(&all);
    let (mut busy, _busy_client) = connect(&all);
    let _request = busy.slot().begin_request();
    let ends = async { tokio::join!(ends_after(&mut idle), ends_after(&mut busy)) };
    assert_eq!(ends.await, (Duration::from_secs(2), Duration::from_secs(2)));
    assert_eq!(reached(&all, Limit::Reserve), 2);
}
