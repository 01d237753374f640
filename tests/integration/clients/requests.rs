//! Incomplete, oversized, pipelined and malformed requests.

use super::{CLOSES, Scene};
use crate::support::until;

#[test]
fn an_incomplete_request_head_ends_the_connection_after_a_timeout() {
    let scene = Scene::start("header_timeout = \"150ms\"", "5s");
    let mut silent = scene.connect();
    assert_eq!(
        silent.rest(),
        "",
        "without a part of a request there is no response"
    );
    let mut slow = scene.connect();
    slow.send("GET / HT");
    let response = slow.rest();
    assert!(response.starts_with("HTTP/1.1 408 "), "{response}");
    assert!(
        response.contains(CLOSES) && response.contains("header_timeout"),
        "{response}"
    );
    // The timeout applies to later requests of a connection too.
    let mut second = scene.connect();
    second.request("/-/healthy");
    assert_eq!(second.reply().status, 200);
    second.send("GET / HTTP/1.1\r\nhost:");
    assert!(second.rest().starts_with("HTTP/1.1 408 "));
    assert_eq!(scene.reached("header_timeout"), 3.0);
    scene.assert_well();
}

#[test]
fn an_idle_connection_ends_after_a_timeout() {
    let scene = Scene::start("idle_timeout = \"150ms\"\nheader_timeout = \"1m\"", "5s");
    let mut idle = scene.connect();
    for _ in 0..3 {
        idle.request("/bridge?selector=well");
        assert_eq!(idle.reply().text(), "a 1\n");
    }
    assert_eq!(idle.rest(), "");
    until("the limit is counted", || {
        scene.reached("idle_timeout") == 1.0
    });
}

#[test]
fn a_request_head_that_is_too_large_is_refused() {
    let scene = Scene::start("", "5s");
    let flood = "x".repeat(60_000);
    for head in [
        format!("GET /bridge?selector={flood} HTTP/1.1\r\nhost: x\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nhost: x\r\nx: {flood}\r\n\r\n"),
    ] {
        let mut client = scene.connect();
        client.send(&head);
        let response = client.rest();
        assert!(response.starts_with("HTTP/1.1 431 "), "{response}");
    }
    let mut many = scene.connect();
    many.send(&format!(
        "GET / HTTP/1.1\r\nhost: x\r\n{}\r\n",
        "x: y\r\n".repeat(1000)
    ));
    let response = many.rest();
    assert!(response.starts_with("HTTP/1.1 4"), "{response}");
    assert_eq!(scene.reached("header_size"), 2.0);
    // A selector name of 20,000 characters is unknown, and shortened in the response.
    let long = scene.exporter.scrape(&"x".repeat(20_000));
    assert_eq!(long.status, 404);
    assert!(long.body.len() < 200, "{}", long.text());
    scene.assert_well();
}

#[test]
fn pipelined_requests_get_their_responses_in_order() {
    const PIPELINED: usize = 200;
    let scene = Scene::start("", "5s");
    let mut client = scene.connect();
    for number in 0..PIPELINED {
        client.request(if number % 2 == 0 {
            "/bridge?selector=well"
        } else {
            "/-/healthy"
        });
    }
    for number in 0..PIPELINED {
        let reply = client.reply();
        let expected = if number % 2 == 0 {
            "a 1\n"
        } else {
            "local-exporter is healthy\n"
        };
        assert_eq!((reply.status, &*reply.text()), (200, expected), "{number}");
    }
}

#[test]
fn old_and_malformed_requests_get_a_response_and_end_their_connection() {
    let scene = Scene::start("", "5s");
    let cases = [
        (
            "GET /bridge?selector=well HTTP/1.0\r\n\r\n",
            "HTTP/1.0 200 ",
        ),
        ("GET /bridge?selector=well\r\n\r\n", "HTTP/1.1 400 "),
        ("GET / HTTP/7.0\r\n\r\n", "HTTP/1.1 400 "),
        ("\0\0\0\0\0\0\0\0\r\n\r\n", "HTTP/1.1 400 "),
        ("GET / HTTP/1.1\r\nhost : x\r\n\r\n", "HTTP/1.1 400 "),
        (
            "GET / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
            "HTTP/1.1 400 ",
        ),
    ];
    for (request, status) in cases {
        let mut client = scene.connect();
        client.send(request);
        let response = client.rest();
        assert!(response.starts_with(status), "{request:?} {response:?}");
        scene.assert_well();
    }
}
