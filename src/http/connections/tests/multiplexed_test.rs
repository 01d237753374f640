//! Connections with multiplexed requests (HTTP/2).

use super::super::request_head::{LARGEST_HEAD, Multiplexing};
use super::*;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

/// A multiplexed connection, and the client's end of it.
fn multiplexed(connections: &Arc<Connections>) -> (LimitedStream<DuplexStream>, DuplexStream) {
    let (mut server, client) = connect(connections);
    server.set_multiplexing(Multiplexing::On);
    (server, client)
}

#[tokio::test(start_paused = true)]
async fn frames_between_requests_do_not_count_as_a_request_head() {
    let all = connections(1);
    let (mut server, mut client) = multiplexed(&all);
    drop(server.slot().begin_request());
    // A PING frame, which a client with a long scrape interval sends every minute.
    client.write_all(&[0; 17]).await.unwrap();
    assert_eq!(ends_after(&mut server).await, IDLE_TIMEOUT);
    assert_eq!(reached(&all, Limit::HeaderTimeout), 0);
    assert_eq!(reached(&all, Limit::IdleTimeout), 1);
}

#[tokio::test(start_paused = true)]
async fn the_first_request_has_the_timeout_of_a_request_head() {
    let all = connections(1);
    let (mut server, mut client) = multiplexed(&all);
    client.write_all(&[0; 17]).await.unwrap();
    assert_eq!(ends_after(&mut server).await, HEADER_TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn received_bytes_are_limited_in_proportion_to_sent_bytes() {
    let all = connections(1);
    let (mut server, mut client) = multiplexed(&all);
    let _busy = server.slot().begin_request();
    let receive = tokio::spawn(async move {
        let mut response = vec![0; LARGEST_HEAD * 8];
        client.read_exact(&mut response).await.unwrap();
        let acknowledged = client.write_all(&[0; 2 * LARGEST_HEAD]).await;
        assert!(
            acknowledged.is_ok(),
            "acknowledgements of a response are read"
        );
        let _ = client.write_all(&[0; 2048]).await;
    });
    server.write_all(&vec![0; LARGEST_HEAD * 8]).await.unwrap();
    let mut received = vec![0; 2 * LARGEST_HEAD];
    server.read_exact(&mut received).await.unwrap();
    assert_eq!(reached(&all, Limit::HeaderSize), 0);
    ends_after(&mut server).await;
    assert_eq!(reached(&all, Limit::HeaderSize), 1);
    drop(server);
    receive.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn shutdown_ends_multiplexed_connections_once_they_are_idle() {
    let all = connections(2);
    let (mut idle, _idle_client) = multiplexed(&all);
    let (mut busy, _busy_client) = multiplexed(&all);
    drop(idle.slot().begin_request());
    let request = busy.slot().begin_request();
    let both = async { tokio::join!(ends_after(&mut idle), ends_after(&mut busy)) };
    let stop = async {
        tokio::task::yield_now().await;
        all.stop();
        tokio::time::sleep(5 * IDLE_TIMEOUT).await;
        drop(request);
        all.stop();
    };
    let ((idle, busy), ()) = tokio::join!(both, stop);
    assert!(idle < Duration::from_secs(1), "{idle:?}");
    assert!(
        busy > 5 * IDLE_TIMEOUT && busy < 6 * IDLE_TIMEOUT,
        "{busy:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_connection_can_be_ended_in_any_state() {
    let all = connections(1);
    let (mut server, _client) = multiplexed(&all);
    let slot = Arc::clone(server.slot());
    let requests = [slot.begin_request(), slot.begin_request()];
    assert_eq!(slot.in_progress(), 2);
    let (ended, ()) = tokio::join!(ends_after(&mut server), async { slot.end(Limit::Streams) });
    assert_eq!(ended, Duration::ZERO);
    slot.end(Limit::Streams);
    assert_eq!(reached(&all, Limit::Streams), 1, "the connection ends once");
    drop(requests);
    drop(server);
    timeout(MOMENT, slot.ended()).await.unwrap();
}
