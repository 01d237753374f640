use super::head::LARGEST_HEAD;
use super::seat::State;
use super::stream::{LONGEST_WRITE, Seated};
use super::*;
use prometheus::Registry;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Duration, advance, timeout};

const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
const IDLE_TIMEOUT: Duration = Duration::from_secs(90);
const MOMENT: Duration = Duration::from_millis(2);

fn connections(max_connections: usize) -> Arc<Connections> {
    let limits = ClientLimits {
        max_connections,
        max_in_flight: 1,
        header_timeout: HEADER_TIMEOUT,
        idle_timeout: IDLE_TIMEOUT,
    };
    let metrics = ConnectionMetrics::register(&Registry::new()).unwrap();
    Connections::new(limits, metrics)
}

fn met(connections: &Connections, limit: Limit) -> u64 {
    connections.metrics.counter(limit).get()
}

/// So many seats.
fn seats(connections: &Arc<Connections>, count: usize) -> Vec<Arc<Seat>> {
    (0..count).map(|_| connections.admit().unwrap()).collect()
}

/// A seated connection, and the client's end of it.
fn seated(connections: &Arc<Connections>) -> (Seated<DuplexStream>, DuplexStream) {
    let (server, client) = duplex(1024);
    (Seated::new(server, connections.admit().unwrap()), client)
}

/// How long the server waits for the end of what the client sends.
async fn ends_after(server: &mut Seated<DuplexStream>) -> Duration {
    let began = Instant::now();
    let mut rest = Vec::new();
    server.read_to_end(&mut rest).await.unwrap();
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn the_connection_that_is_idle_for_longest_gives_way() {
    let all = connections(3);
    let mut seats = Vec::new();
    for _ in 0..3 {
        seats.push(all.admit().unwrap());
        advance(MOMENT).await;
    }
    // The first is at work, the second was a moment ago.
    let at_work = seats[0].serve();
    drop(seats[1].serve());
    let newcomer = all.admit().unwrap();
    let states: Vec<_> = seats.iter().map(|seat| seat.state()).collect();
    assert_eq!(states[0], State::Busy);
    assert!(matches!(states[1], State::Idle(_)), "{states:?}");
    assert_eq!(states[2], State::GivenAway);
    assert_eq!(newcomer.class(), Class::Ordinary);
    assert_eq!(met(&all, Limit::MaxConnections), 1);
    // What is given away is not idle again, and its end frees nothing twice.
    drop(seats[2].serve());
    assert_eq!(seats[2].state(), State::GivenAway);
    all.leave(&seats[2]);
    assert_eq!(all.seats().count(), 3);
    drop(at_work);
    assert!(matches!(seats[0].state(), State::Idle(_)));
}

#[tokio::test(start_paused = true)]
async fn connections_that_were_all_at_work_since_give_way_too() {
    let all = connections(2);
    let seats = seats(&all, 2);
    for seat in &seats {
        advance(MOMENT).await;
        drop(seat.serve());
    }
    assert_eq!(all.admit().unwrap().class(), Class::Ordinary);
    assert_eq!(seats[0].state(), State::GivenAway);
}

#[tokio::test(start_paused = true)]
async fn when_none_is_idle_there_is_a_reserve_and_then_nothing() {
    let all = connections(2);
    let seats = self::seats(&all, 2);
    let at_work: Vec<_> = seats.iter().map(Seat::serve).collect();
    let reserved = self::seats(&all, RESERVE);
    assert!(reserved.iter().all(|seat| seat.class() == Class::Reserved));
    let occupied: Vec<_> = reserved.iter().map(Seat::serve).collect();
    assert!(all.admit().is_none());
    assert_eq!(met(&all, Limit::Reserve), 1);
    assert_eq!(met(&all, Limit::MaxConnections), RESERVE as u64 + 1);
    // One in reserve that is idle makes room in the reserve alone.
    drop(occupied);
    assert_eq!(all.admit().unwrap().class(), Class::Reserved);
    drop(at_work);
}

#[tokio::test(start_paused = true)]
async fn what_is_noted_of_seats_stays_in_proportion() {
    let all = connections(3);
    let kept = all.admit().unwrap();
    for _ in 0..1000 {
        let seat = all.admit().unwrap();
        all.leave(&seat);
    }
    assert!(all.seats().noted() <= 3 + RESERVE);
    let _others = [all.admit().unwrap(), all.admit().unwrap()];
    let _newcomer = all.admit().unwrap();
    assert_eq!(kept.state(), State::GivenAway);
}

#[tokio::test(start_paused = true)]
async fn a_connection_whose_seat_is_given_away_ends_at_once() {
    let all = connections(1);
    let (mut server, _client) = seated(&all);
    let reading = tokio::spawn(async move { ends_after(&mut server).await });
    tokio::task::yield_now().await;
    let _newcomer = all.admit().unwrap();
    let waited = timeout(MOMENT, reading).await.unwrap().unwrap();
    assert_eq!(waited, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn every_head_has_its_time_and_a_connection_without_any_too() {
    let all = connections(9);
    let close = |waited: Duration, limit: Duration| {
        // The clock of timers counts milliseconds.
        assert!(waited >= limit && waited < limit + MOMENT, "{waited:?}");
    };
    let (mut silent, _client) = seated(&all);
    close(ends_after(&mut silent).await, HEADER_TIMEOUT);

    let (mut slow, mut client) = seated(&all);
    client.write_all(b"GET / HT").await.unwrap();
    close(ends_after(&mut slow).await, HEADER_TIMEOUT);
    assert_eq!(met(&all, Limit::HeaderTimeout), 2);
    slow.shutdown().await.unwrap();
    drop(slow);
    let mut words = String::new();
    client.read_to_string(&mut words).await.unwrap();
    assert!(words.starts_with("HTTP/1.1 408 "), "{words:?}");

    // The second request of a connection.
    let (mut second, mut client) = seated(&all);
    client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut head = [0; 18];
    second.read_exact(&mut head).await.unwrap();
    let request = second.seat().serve();
    advance(IDLE_TIMEOUT * 2).await;
    drop(request);
    // Written and flushed: from here on it is idle.
    second.flush().await.unwrap();
    advance(IDLE_TIMEOUT / 2).await;
    client.write_all(b"G").await.unwrap();
    close(ends_after(&mut second).await, HEADER_TIMEOUT);

    let (mut idle, _client) = seated(&all);
    drop(idle.seat().serve());
    idle.flush().await.unwrap();
    close(ends_after(&mut idle).await, IDLE_TIMEOUT);
    assert_eq!(met(&all, Limit::IdleTimeout), 1);
    assert_eq!(met(&all, Limit::HeaderTimeout), 3);
}

#[tokio::test(start_paused = true)]
async fn nothing_ends_while_a_request_is_under_way() {
    let all = connections(1);
    let (mut server, _client) = seated(&all);
    let request = server.seat().serve();
    let long = timeout(IDLE_TIMEOUT * 10, ends_after(&mut server)).await;
    assert!(long.is_err(), "it ended");
    drop(request);
}

#[tokio::test(start_paused = true)]
async fn a_head_may_not_be_larger_than_its_limit() {
    let all = connections(1);
    let (mut server, mut client) = seated(&all);
    let flood = tokio::spawn(async move {
        let part = [b'a'; 512];
        let mut sent = 0;
        while client.write_all(&part).await.is_ok() {
            sent += part.len();
        }
        sent
    });
    assert!(ends_after(&mut server).await < MOMENT);
    assert_eq!(met(&all, Limit::HeaderSize), 1);
    server.shutdown().await.unwrap();
    drop(server);
    let sent = flood.await.unwrap();
    assert!(sent <= LARGEST_HEAD + 4096, "{sent} bytes were taken");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_is_cut_off_and_gives_way_to_nobody_before() {
    let all = connections(1);
    let (mut server, _client) = seated(&all);
    server.write_all(&[0; 1024]).await.unwrap();
    let began = Instant::now();
    let writing = tokio::spawn(async move { server.write_all(&[0; 1]).await });
    tokio::task::yield_now().await;
    assert_eq!(all.admit().unwrap().class(), Class::Reserved);
    let error = writing.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    assert!(began.elapsed() >= LONGEST_WRITE);
    assert_eq!(met(&all, Limit::WriteTimeout), 1);
}

/// A multiplexed connection, and the client's end of it.
fn multiplexed(connections: &Arc<Connections>) -> (Seated<DuplexStream>, DuplexStream) {
    let (mut server, client) = seated(connections);
    server.take_turns(Turns::Multiplexed);
    (server, client)
}

#[tokio::test(start_paused = true)]
async fn frames_between_requests_are_no_heads() {
    let all = connections(1);
    let (mut server, mut client) = multiplexed(&all);
    drop(server.seat().serve());
    // A ping a minute, as a scraper with a long interval sends.
    client.write_all(&[0; 17]).await.unwrap();
    assert_eq!(ends_after(&mut server).await, IDLE_TIMEOUT);
    assert_eq!(met(&all, Limit::HeaderTimeout), 0);
    assert_eq!(met(&all, Limit::IdleTimeout), 1);
}

#[tokio::test(start_paused = true)]
async fn the_first_request_has_the_time_of_a_head_in_frames_too() {
    let all = connections(1);
    let (mut server, mut client) = multiplexed(&all);
    client.write_all(&[0; 17]).await.unwrap();
    assert_eq!(ends_after(&mut server).await, HEADER_TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn what_comes_in_frames_is_bounded_by_what_is_sent() {
    let all = connections(1);
    let (mut server, mut client) = multiplexed(&all);
    let _busy = server.seat().serve();
    let receive = tokio::spawn(async move {
        let mut taken = vec![0; LARGEST_HEAD * 8];
        client.read_exact(&mut taken).await.unwrap();
        let much = client.write_all(&[0; 2 * LARGEST_HEAD]).await;
        assert!(much.is_ok(), "what acknowledges an answer is taken");
        let _ = client.write_all(&[0; 2048]).await;
    });
    server.write_all(&vec![0; LARGEST_HEAD * 8]).await.unwrap();
    let mut came = vec![0; 2 * LARGEST_HEAD];
    server.read_exact(&mut came).await.unwrap();
    assert_eq!(met(&all, Limit::HeaderSize), 0);
    ends_after(&mut server).await;
    assert_eq!(met(&all, Limit::HeaderSize), 1);
    drop(server);
    receive.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_multiplexed_connections_once_they_are_idle() {
    let all = connections(2);
    let (mut idle, _idle_client) = multiplexed(&all);
    let (mut busy, _busy_client) = multiplexed(&all);
    drop(idle.seat().serve());
    let at_work = busy.seat().serve();
    let both = async { tokio::join!(ends_after(&mut idle), ends_after(&mut busy)) };
    let stop = async {
        tokio::task::yield_now().await;
        all.stop();
        tokio::time::sleep(5 * IDLE_TIMEOUT).await;
        drop(at_work);
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
async fn what_comes_before_the_first_request_has_the_time_of_its_head() {
    let all = connections(1);
    let (mut server, _client) = seated(&all);
    let began = Instant::now();
    let prepared = server.prepare(|_, _| std::task::Poll::<std::io::Result<()>>::Pending);
    assert!(prepared.await.is_err());
    assert_eq!(began.elapsed(), HEADER_TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn a_connection_can_be_ended_whatever_it_is_at() {
    let all = connections(1);
    let (mut server, _client) = multiplexed(&all);
    let seat = Arc::clone(server.seat());
    let occupied = [seat.serve(), seat.serve()];
    assert_eq!(seat.occupants(), 2);
    let (ended, ()) = tokio::join!(ends_after(&mut server), async { seat.end(Limit::Streams) });
    assert_eq!(ended, Duration::ZERO);
    seat.end(Limit::Streams);
    assert_eq!(met(&all, Limit::Streams), 1, "it ends once");
    drop(occupied);
    drop(server);
    timeout(MOMENT, seat.gone()).await.unwrap();
}

const GET: &str = "GET / HTTP/1.1\r\n\r\n";

/// Reads until nothing is there, as actix-http does before it looks at what it has; how many heads.
async fn heads(server: &mut Seated<DuplexStream>) -> usize {
    let mut came = Vec::new();
    while let Ok(read) = timeout(Duration::ZERO, server.read_buf(&mut came)).await {
        assert!(read.unwrap() > 0, "the end");
    }
    assert_eq!(came.len() % GET.len(), 0, "half a head");
    came.len() / GET.len()
}

#[tokio::test(start_paused = true)]
async fn few_requests_are_let_through_before_their_turn() {
    let all = connections(1);
    let (mut server, mut client) = seated(&all);
    client.write_all(GET.repeat(20).as_bytes()).await.unwrap();
    assert_eq!(heads(&mut server).await, 4);
    let seat = Arc::clone(server.seat());
    let first = seat.serve();
    assert_eq!(heads(&mut server).await, 1);
    assert_eq!(heads(&mut server).await, 0);
    drop(first);
    for request in 6..=20 {
        let next = seat.serve();
        assert_eq!(heads(&mut server).await, 1, "{request}");
        drop(next);
    }
    drop(client);
    assert_eq!(ends_after(&mut server).await, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_its_turn_is_woken_by_it() {
    let all = connections(1);
    let (mut server, mut client) = seated(&all);
    client.write_all(GET.repeat(9).as_bytes()).await.unwrap();
    let seat = Arc::clone(server.seat());
    let first = seat.serve();
    assert_eq!(heads(&mut server).await, 4);
    let began = Instant::now();
    let reading = tokio::spawn(async move { server.read_u8().await.map(|_| server) });
    tokio::task::yield_now().await;
    assert!(!reading.is_finished());
    let _second = seat.serve();
    let _server = reading.await.unwrap().unwrap();
    assert_eq!(began.elapsed(), Duration::ZERO);
    drop(first);
}

/// Empty lines in what is no head, such as a body that nobody asked for, are taken for heads.
#[tokio::test(start_paused = true)]
async fn what_only_looks_like_heads_holds_nothing_up() {
    let all = connections(1);
    let (mut server, mut client) = seated(&all);
    let request = server.seat().serve();
    client
        .write_all("x\n\n".repeat(100).as_bytes())
        .await
        .unwrap();
    drop(request);
    let mut all = vec![0; 300];
    let read = timeout(MOMENT, server.read_exact(&mut all)).await;
    assert_eq!(read.unwrap().unwrap(), 300);
}
