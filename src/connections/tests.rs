use super::seat::State;
use super::stream::{LONGEST_WRITE, Seated};
use super::*;
use prometheus::Registry;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Duration, advance, timeout};

const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
const IDLE_TIMEOUT: Duration = Duration::from_secs(90);
const A_BIT: Duration = Duration::from_millis(2);
const MOMENT: Duration = Duration::from_millis(super::MOMENT);

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
async fn seats(connections: &Arc<Connections>, count: usize) -> Vec<Arc<Seat>> {
    let mut seats = Vec::new();
    for _ in 0..count {
        seats.push(connections.admit().await.unwrap());
    }
    seats
}

/// A seated connection, and the client's end of it.
async fn seated(connections: &Arc<Connections>) -> (Seated<DuplexStream>, DuplexStream) {
    let (server, client) = duplex(1024);
    (
        Seated::new(server, connections.admit().await.unwrap()),
        client,
    )
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
        seats.push(all.admit().await.unwrap());
        advance(A_BIT).await;
    }
    // The first is at work, the second was a moment ago.
    let at_work = seats[0].serve();
    drop(seats[1].serve());
    let newcomer = all.admit().await.unwrap();
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
    let seats = seats(&all, 2).await;
    for seat in &seats {
        advance(A_BIT).await;
        drop(seat.serve());
    }
    advance(MOMENT).await;
    assert_eq!(all.admit().await.unwrap().class(), Class::Ordinary);
    assert_eq!(seats[0].state(), State::GivenAway);
}

#[tokio::test(start_paused = true)]
async fn when_none_is_idle_there_is_a_reserve_and_then_nothing() {
    let all = connections(2);
    let seats = self::seats(&all, 2).await;
    let at_work: Vec<_> = seats.iter().map(Seat::serve).collect();
    let reserved = self::seats(&all, RESERVE).await;
    assert!(reserved.iter().all(|seat| seat.class() == Class::Reserved));
    let occupied: Vec<_> = reserved.iter().map(Seat::serve).collect();
    assert!(all.admit().await.is_none());
    assert_eq!(met(&all, Limit::Reserve), 1);
    assert_eq!(met(&all, Limit::MaxConnections), RESERVE as u64 + 1);
    // One in reserve that is idle makes room in the reserve alone.
    drop(occupied);
    assert_eq!(all.admit().await.unwrap().class(), Class::Reserved);
    drop(at_work);
}

#[tokio::test(start_paused = true)]
async fn what_is_noted_of_seats_stays_in_proportion() {
    let all = connections(3);
    let kept = all.admit().await.unwrap();
    for _ in 0..1000 {
        let seat = all.admit().await.unwrap();
        all.leave(&seat);
    }
    assert!(all.seats().noted() <= 3 + RESERVE);
    let _others = [all.admit().await.unwrap(), all.admit().await.unwrap()];
    let _newcomer = all.admit().await.unwrap();
    assert_eq!(kept.state(), State::GivenAway);
}

#[tokio::test(start_paused = true)]
async fn a_connection_whose_seat_is_given_away_ends_at_once() {
    let all = connections(1);
    let (mut server, _client) = seated(&all).await;
    let reading = tokio::spawn(async move { ends_after(&mut server).await });
    tokio::task::yield_now().await;
    let _newcomer = all.admit().await.unwrap();
    let waited = timeout(A_BIT, reading).await.unwrap().unwrap();
    assert_eq!(waited, MOMENT);
}

#[tokio::test(start_paused = true)]
async fn nobody_gives_way_before_its_request_could_come() {
    let all = connections(2);
    let first = seats(&all, 2).await;
    advance(MOMENT / 2).await;
    let began = Instant::now();
    let waiting = tokio::spawn({
        let all = Arc::clone(&all);
        async move { all.admit().await.unwrap().class() }
    });
    tokio::task::yield_now().await;
    assert!(
        first
            .iter()
            .all(|seat| matches!(seat.state(), State::Idle(_)))
    );
    // The first is heard just in time.
    let request = first[0].serve();
    // The newcomer does not take a seat in reserve, on which it could not scrape.
    assert_eq!(waiting.await.unwrap(), Class::Ordinary);
    assert_eq!(began.elapsed(), MOMENT / 2);
    assert_eq!(first[0].state(), State::Busy);
    assert_eq!(first[1].state(), State::GivenAway);
    assert_eq!(met(&all, Limit::MaxConnections), 1);
    drop(request);
}

#[tokio::test(start_paused = true)]
async fn newcomers_wait_in_their_order_and_not_when_somebody_leaves() {
    let all = connections(2);
    let (mut first, _first_client) = seated(&all).await;
    advance(A_BIT).await;
    let (_second, _second_client) = seated(&all).await;
    let began = Instant::now();
    let newcomers: Vec<_> = (0..3)
        .map(|_| {
            let all = Arc::clone(&all);
            tokio::spawn(async move { (all.admit().await.unwrap(), began.elapsed()) })
        })
        .collect();
    tokio::task::yield_now().await;
    advance(MOMENT / 2).await;
    first.shutdown().await.unwrap();
    drop(first);
    let mut took = Vec::new();
    for newcomer in newcomers {
        took.push(newcomer.await.unwrap().1);
    }
    // The second gives way to the second newcomer, and the first newcomer to the third.
    assert_eq!(took, [MOMENT / 2, MOMENT, MOMENT + MOMENT / 2]);
}

#[tokio::test(start_paused = true)]
async fn a_newcomer_does_not_wait_for_long() {
    let all = connections(1);
    let kept = all.admit().await.unwrap();
    let began = Instant::now();
    let newcomer = all.admit();
    // Requests follow each other without end.
    let requests = async {
        loop {
            drop(kept.serve());
            tokio::time::sleep(A_BIT).await;
        }
    };
    let newcomer = tokio::select! {
        newcomer = newcomer => newcomer,
        () = requests => None,
    };
    assert_eq!(newcomer.unwrap().class(), Class::Ordinary);
    assert!(began.elapsed() >= LONGEST_WAIT, "{:?}", began.elapsed());
    assert!(
        began.elapsed() < LONGEST_WAIT + MOMENT,
        "{:?}",
        began.elapsed()
    );
    assert_eq!(kept.state(), State::GivenAway);
}

#[tokio::test(start_paused = true)]
async fn every_head_has_its_time_and_a_connection_without_any_too() {
    let all = connections(9);
    let close = |waited: Duration, limit: Duration| {
        // The clock of timers counts milliseconds.
        assert!(waited >= limit && waited < limit + A_BIT, "{waited:?}");
    };
    let (mut silent, _client) = seated(&all).await;
    close(ends_after(&mut silent).await, HEADER_TIMEOUT);

    let (mut slow, mut client) = seated(&all).await;
    client.write_all(b"GET / HT").await.unwrap();
    close(ends_after(&mut slow).await, HEADER_TIMEOUT);
    assert_eq!(met(&all, Limit::HeaderTimeout), 2);
    slow.shutdown().await.unwrap();
    drop(slow);
    let mut words = String::new();
    client.read_to_string(&mut words).await.unwrap();
    assert!(words.starts_with("HTTP/1.1 408 "), "{words:?}");

    // The second request of a connection.
    let (mut second, mut client) = seated(&all).await;
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

    let (mut idle, _client) = seated(&all).await;
    drop(idle.seat().serve());
    idle.flush().await.unwrap();
    close(ends_after(&mut idle).await, IDLE_TIMEOUT);
    assert_eq!(met(&all, Limit::IdleTimeout), 1);
    assert_eq!(met(&all, Limit::HeaderTimeout), 3);
}

#[tokio::test(start_paused = true)]
async fn nothing_ends_while_a_request_is_under_way() {
    let all = connections(1);
    let (mut server, _client) = seated(&all).await;
    let request = server.seat().serve();
    let long = timeout(IDLE_TIMEOUT * 10, ends_after(&mut server)).await;
    assert!(long.is_err(), "it ended");
    drop(request);
}

#[tokio::test(start_paused = true)]
async fn a_head_may_not_be_larger_than_its_limit() {
    let all = connections(1);
    let (mut server, mut client) = seated(&all).await;
    let flood = tokio::spawn(async move {
        let part = [b'a'; 512];
        let mut sent = 0;
        while client.write_all(&part).await.is_ok() {
            sent += part.len();
        }
        sent
    });
    assert!(ends_after(&mut server).await < A_BIT);
    assert_eq!(met(&all, Limit::HeaderSize), 1);
    server.shutdown().await.unwrap();
    drop(server);
    let sent = flood.await.unwrap();
    assert!(sent <= LARGEST_HEAD + 4096, "{sent} bytes were taken");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_is_cut_off_and_gives_way_to_nobody_before() {
    let all = connections(1);
    let (mut server, _client) = seated(&all).await;
    server.write_all(&[0; 1024]).await.unwrap();
    let began = Instant::now();
    let writing = tokio::spawn(async move { server.write_all(&[0; 1]).await });
    tokio::task::yield_now().await;
    assert_eq!(all.admit().await.unwrap().class(), Class::Reserved);
    let error = writing.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    assert!(began.elapsed() >= LONGEST_WRITE);
    assert_eq!(met(&all, Limit::WriteTimeout), 1);
}

/// A multiplexed connection, and the client's end of it.
async fn multiplexed(connections: &Arc<Connections>) -> (Seated<DuplexStream>, DuplexStream) {
    let (mut server, client) = seated(connections).await;
    server.take_turns(Turns::Multiplexed);
    (server, client)
}

#[tokio::test(start_paused = true)]
async fn frames_between_requests_are_no_heads() {
    let all = connections(1);
    let (mut server, mut client) = multiplexed(&all).await;
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
    let (mut server, mut client) = multiplexed(&all).await;
    client.write_all(&[0; 17]).await.unwrap();
    assert_eq!(ends_after(&mut server).await, HEADER_TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn what_comes_in_frames_is_bounded_by_what_is_sent() {
    let all = connections(1);
    let (mut server, mut client) = multiplexed(&all).await;
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
    let (mut idle, _idle_client) = multiplexed(&all).await;
    let (mut busy, _busy_client) = multiplexed(&all).await;
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
    let (mut server, _client) = seated(&all).await;
    let began = Instant::now();
    let prepared = server.prepare(|_, _| std::task::Poll::<std::io::Result<()>>::Pending);
    assert!(prepared.await.is_err());
    assert_eq!(began.elapsed(), HEADER_TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn a_connection_can_be_ended_whatever_it_is_at() {
    let all = connections(1);
    let (mut server, _client) = multiplexed(&all).await;
    let seat = Arc::clone(server.seat());
    let occupied = [seat.serve(), seat.serve()];
    assert_eq!(seat.occupants(), 2);
    let (ended, ()) = tokio::join!(ends_after(&mut server), async { seat.end(Limit::Streams) });
    assert_eq!(ended, Duration::ZERO);
    seat.end(Limit::Streams);
    assert_eq!(met(&all, Limit::Streams), 1, "it ends once");
    drop(occupied);
    drop(server);
    timeout(A_BIT, seat.gone()).await.unwrap();
}
