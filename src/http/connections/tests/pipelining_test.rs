//! Pipelined requests.

use super::*;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

const GET: &str = "GET / HTTP/1.1\r\n\r\n";

/// Reads until no more bytes are available, as actix-http does before it parses; returns the
/// number of request heads.
async fn heads(server: &mut LimitedStream<DuplexStream>) -> usize {
    let mut received = Vec::new();
    while let Ok(read) = timeout(Duration::ZERO, server.read_buf(&mut received)).await {
        assert!(read.unwrap() > 0, "unexpected end");
    }
    assert_eq!(received.len() % GET.len(), 0, "a partial head");
    received.len() / GET.len()
}

#[tokio::test(start_paused = true)]
async fn few_pipelined_requests_are_passed_on_before_their_turn() {
    let all = connections(1);
    let (mut server, mut client) = connect(&all);
    client.write_all(GET.repeat(20).as_bytes()).await.unwrap();
    assert_eq!(heads(&mut server).await, 4);
    let slot = Arc::clone(server.slot());
    let first = slot.begin_request();
    assert_eq!(heads(&mut server).await, 1);
    assert_eq!(heads(&mut server).await, 0);
    drop(first);
    for request in 6..=20 {
        let next = slot.begin_request();
        assert_eq!(heads(&mut server).await, 1, "{request}");
        drop(next);
    }
    drop(client);
    assert_eq!(ends_after(&mut server).await, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn the_reader_of_a_pipelined_request_is_woken_when_it_is_its_turn() {
    let all = connections(1);
    let (mut server, mut client) = connect(&all);
    client.write_all(GET.repeat(9).as_bytes()).await.unwrap();
    let slot = Arc::clone(server.slot());
    let first = slot.begin_request();
    assert_eq!(heads(&mut server).await, 4);
    let began = Instant::now();
    let reading = tokio::spawn(async move { server.read_u8().await.map(|_| server) });
    tokio::task::yield_now().await;
    assert!(!reading.is_finished());
    let _second = slot.begin_request();
    let _server = reading.await.unwrap().unwrap();
    assert_eq!(began.elapsed(), Duration::ZERO);
    drop(first);
}

/// Empty lines in an unexpected request body are counted as the ends of heads.
#[tokio::test(start_paused = true)]
async fn bytes_that_look_like_request_heads_do_not_block_the_connection() {
    let all = connections(1);
    let (mut server, mut client) = connect(&all);
    let request = server.slot().begin_request();
    client
        .write_all("x\n\n".repeat(100).as_bytes())
        .await
        .unwrap();
    drop(request);
    let mut all = vec![0; 300];
    let read = timeout(MOMENT, server.read_exact(&mut all)).await;
    assert_eq!(read.unwrap().unwrap(), 300);
}
