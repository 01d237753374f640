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

/// The preface and so many bytes of PING frames.
fn control_frames(length: usize) -> Vec<u8> {
    let mut frames = vec![b'P'; 24];
    let ping = [&[0, 0, 8, 6, 0, 0, 0, 0, 0][..], &[0; 8]].concat();
    frames.extend(ping.iter().copied().cycle().take(length - frames.len()));
    frames
}

/// DATA frames in one request, `length` bytes each.
fn data_frames(count: usize, length: usize) -> Vec<u8> {
    let size = u32::try_from(length).unwrap().to_be_bytes();
    let mut frame = vec![size[1], size[2], size[3], 0, 0, 0, 0, 0, 1];
    frame.resize(9 + length, b'x');
    [vec![b'P'; 24], frame.repeat(count)].concat()
}

/// A client that sends frames during a request; returns the limits that it reached.
async fn limits_reached(frames: Vec<u8>) -> [u64; 2] {
    let all = connections(1);
    let (mut server, mut client) = multiplexed(&all);
    let busy = server.slot().begin_request();
    let send = tokio::spawn(async move {
        let _ = client.write_all(&frames).await;
        drop(client);
    });
    ends_after(&mut server).await;
    drop((server, busy));
    send.await.unwrap();
    [Limit::HeaderSize, Limit::EmptyFrames].map(|limit| reached(&all, limit))
}

#[tokio::test(start_paused = true)]
async fn the_body_of_a_request_is_not_part_of_its_head() {
    assert_eq!(limits_reached(data_frames(64, 16 << 10)).await, [0, 0]);
    assert_eq!(limits_reached(data_frames(LARGEST_HEAD, 1)).await, [1, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_client_may_send_few_empty_frames_in_a_request() {
    assert_eq!(limits_reached(data_frames(100, 0)).await, [0, 0]);
    assert_eq!(limits_reached(data_frames(101, 0)).await, [0, 1]);
}

/// A client that does not read gets no further requests processed.
#[tokio::test(start_paused = true)]
async fn no_bytes_are_read_while_the_client_accepts_none() {
    let all = connections(1);
    let (mut server, mut client) = multiplexed(&all);
    let _busy = server.slot().begin_request();
    client.write_all(&control_frames(64)).await.unwrap();
    // More than the client's buffer holds.
    let write = timeout(MOMENT, server.write_all(&[0; 4096])).await;
    assert!(write.is_err());
    let mut bytes = [0; 64];
    assert!(timeout(MOMENT, server.read(&mut bytes)).await.is_err());
    client.read_exact(&mut [0; 1024]).await.unwrap();
    let accepted = async { server.flush().await.unwrap() };
    timeout(MOMENT, accepted).await.unwrap();
    assert_eq!(server.read(&mut bytes).await.unwrap(), 64);
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
        let frames = control_frames(2 * LARGEST_HEAD + 2048);
        let (acknowledgements, more) = frames.split_at(2 * LARGEST_HEAD);
        let acknowledged = client.write_all(acknowledgements).await;
        assert!(
            acknowledged.is_ok(),
            "acknowledgements of a response are read"
        );
        let _ = client.write_all(more).await;
    });
    server.write_all(&vec![0; LARGEST_HEAD * 8]).await.unwrap();
    server.flush().await.unwrap();
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
