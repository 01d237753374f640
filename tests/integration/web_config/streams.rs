//! HTTP/2: what one stream may do to the others of its connection, and how much of it is kept.

use super::http2::{fetch, http2, runtime};
use super::{Client, Web, metric, tls};
use crate::clients::unread::resident;
use crate::support::{Exporter, quoted, until};
use actix_web::web::Bytes;
use futures_util::future::join_all;
use h2::client::ResponseFuture;
use local_exporter_daemons::fault::Behaviour;
use local_exporter_daemons::scripted::ScriptedDaemon;
use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::time::Duration;
use tokio::time::timeout;

/// A body that no page reads: more than a request head may have.
static BODY: [u8; 100_000] = [b'x'; 100_000];
/// A body that is too large to be discarded.
static LARGE_BODY: [u8; 4_000_000] = [b'x'; 4_000_000];
/// Number of requests on each connection of clients with a closed window.
const STREAMS: usize = 100;
/// Number of bodies that are sent at a time on one connection.
const SENDING: usize = 8;

type Requests = h2::client::SendRequest<&'static [u8]>;

/// Sends a request; `body` follows if there is one.
fn send(
    requests: &mut Requests,
    method: &str,
    url: &str,
    body: Option<&'static [u8]>,
) -> ResponseFuture {
    let request = http::Request::builder()
        .method(method)
        .uri(url)
        .body(())
        .unwrap();
    let (response, mut stream) = requests.send_request(request, body.is_none()).unwrap();
    if let Some(body) = body {
        stream.send_data(body, true).unwrap();
    }
    response
}

#[test]
fn a_request_with_a_body_does_not_affect_the_other_requests_of_its_connection() {
    let web = Web::new();
    let socket = web.path("sock");
    let _daemon = ScriptedDaemon::start(&socket, Behaviour::HangAfterAccept).unwrap();
    let hung = format!(
        "[bridge.selectors.hung]\nkind = \"uds\"\ntimeout = \"2s\"\npath = {}\n",
        quoted(&socket)
    );
    let exporter = web.start(&tls(&[]), &hung);
    runtime().block_on(async {
        let client = web.client().protocols(&[b"h2"]);
        let mut requests = http2(&client, exporter.address()).await;
        let url = |page: &str| format!("https://{}{page}", exporter.address());
        let slow: Vec<_> = (0..3)
            .map(|_| send(&mut requests, "GET", &url("/bridge?selector=hung"), None))
            .collect();
        for (method, page, body, expected) in [
            ("POST", "/metrics", &BODY[..], 405),
            ("GET", "/bridge?selector=hung", &LARGE_BODY, 413),
        ] {
            let response = send(&mut requests, method, &url(page), Some(body));
            let response = response.await.unwrap();
            assert_eq!(response.status(), expected, "{method} {page}");
        }
        for response in join_all(slow).await {
            assert_eq!(response.unwrap().status(), 504);
        }
        let (status, _) = fetch(&mut requests, exporter.address(), "/-/healthy").await;
        assert_eq!(status, 200);
    });
}

/// An exporter whose `/config` is large, and the size of that page.
fn with_large_page(web: &Web) -> (Exporter, usize) {
    let mut more = "[bridge.selectors]\n".to_owned();
    for number in 0..3000 {
        let path = "p".repeat(80);
        writeln!(
            more,
            "s{number} = {{ kind = \"uds\", path = \"/nowhere/{path}\" }}"
        )
        .unwrap();
    }
    let exporter = web.start(&tls(&[]), &more);
    let page = web.client().get(exporter.address(), "/config").unwrap();
    (exporter, page.len())
}

#[test]
fn few_bodies_are_sent_at_a_time_to_a_client_with_a_closed_window() {
    let web = Web::new();
    let (exporter, size) = with_large_page(&web);
    let before = resident(&exporter);
    runtime().block_on(async {
        let client = web.client().protocols(&[b"h2"]);
        let url = format!("https://{}/debug/actors", exporter.address());
        let mut connections = Vec::new();
        for _ in 0..2 {
            let mut requests = http2(&client, exporter.address()).await;
            let responses = (0..STREAMS).map(|_| send(&mut requests, "GET", &url, None));
            connections.push((responses.collect::<Vec<_>>(), requests));
        }
        for (responses, _) in &mut connections {
            // The window of the connection is closed after the first 64 KiB.
            let begun = responses
                .iter_mut()
                .map(|response| timeout(Duration::from_secs(3), response));
            let begun = join_all(begun).await.into_iter().filter_map(Result::ok);
            let begun: Vec<_> = begun.map(|response| response.unwrap()).collect();
            assert!(
                (1..=SENDING).contains(&begun.len()),
                "{} responses",
                begun.len()
            );
        }
        let more = resident(&exporter) - before;
        println!("2 x {STREAMS} streams with a page of {size} bytes: {more:.0} MiB more");
        assert!(more < 48.0, "{more} MiB");
    });
}

#[test]
fn a_client_that_reads_gets_all_responses_of_a_connection() {
    let web = Web::new();
    let (exporter, size) = with_large_page(&web);
    runtime().block_on(async {
        let client = web.client().protocols(&[b"h2"]);
        let requests = http2(&client, exporter.address()).await;
        let responses = (0..STREAMS / 2).map(|_| {
            let mut requests = requests.clone();
            let address = exporter.address();
            async move { fetch(&mut requests, address, "/config").await }
        });
        for (status, page) in join_all(responses).await {
            assert_eq!(status, 200);
            assert!(page.len() + 1000 > size);
        }
    });
}

/// h2 0.3 queues any number of empty frames on a stream that is not read (RUSTSEC-2026-0258). If
/// this test fails, the version in use bounds them: remove the entry in `deny.toml`.
#[test]
fn h2_queues_any_number_of_empty_frames() {
    const FRAMES: usize = 50_000;
    runtime().block_on(async {
        let (server, client) = tokio::io::duplex(1 << 20);
        let serve = async {
            let mut connection = h2::server::handshake(server).await.unwrap();
            let (request, mut respond) = connection.accept().await.unwrap().unwrap();
            // The connection is read until the client has sent everything; its stream is not.
            let ended = timeout(Duration::from_secs(30), connection.accept())
                .await
                .unwrap();
            drop((ended, respond.send_response(http::Response::new(()), true)));
            let mut body = request.into_body();
            let mut queued = 0;
            while let Some(Ok(_)) = body.data().await {
                queued += 1;
            }
            queued
        };
        let send = async {
            let (requests, connection) = h2::client::handshake(client).await.unwrap();
            let connection = tokio::spawn(connection);
            let mut requests = requests.ready().await.unwrap();
            let request = http::Request::post("https://x/").body(()).unwrap();
            let (_response, mut stream) = requests.send_request(request, false).unwrap();
            for _ in 0..FRAMES {
                stream.send_data(Bytes::new(), false).unwrap();
            }
            stream.send_data(Bytes::new(), true).unwrap();
            drop((stream, requests));
            drop(timeout(Duration::from_secs(5), connection).await);
        };
        let (queued, ()) = tokio::join!(serve, send);
        println!("{queued} empty frames are queued");
        assert!(queued >= FRAMES, "{queued} empty frames are queued");
    });
}

#[test]
fn a_connection_with_many_empty_frames_is_closed() {
    let web = Web::new();
    let exporter = web.start(&tls(&[]), "");
    let client = web.client().protocols(&[b"h2"]);
    let mut connection = client.connect(exporter.address()).unwrap();
    let frame =
        |length: u8, kind: u8, flags: u8, stream: u8| [0, 0, length, kind, flags, 0, 0, 0, stream];
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(frame(0, 4, 0, 0));
    // POST https /, from the static table (RFC 7541, appendix A). The body follows.
    bytes.extend(frame(3, 1, 4, 1));
    bytes.extend([0x83, 0x87, 0x84]);
    for _ in 0..10_000 {
        bytes.extend(frame(0, 0, 0, 1));
    }
    // The exporter may close the connection before it has read everything.
    let _ = connection.write_all(&bytes);
    let _ = connection.flush();
    let _ = connection.read_to_end(&mut Vec::new());
    let plain: Client = web.client();
    let series = "local_exporter_http_limit_reached_total{limit=\"empty_frames\"}";
    until("the limit is counted", || {
        metric(&plain, &exporter, series) == Some(1.0)
    });
}
