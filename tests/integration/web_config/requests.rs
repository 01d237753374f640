//! Requests: users, headers, the rate limit, and a file that becomes invalid.

use super::{Web, bcrypt, tls};
use crate::clients::connection::Connection;
use crate::support::{Exporter, Reply, eventually, get, until};
use std::io::{Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The `Authorization` header for a name and a password.
fn basic(name: &str, password: &str) -> String {
    use base64::Engine;
    let pair = format!("{name}:{password}");
    format!(
        "Basic {}",
        base64::engine::general_purpose::STANDARD.encode(pair)
    )
}

fn ask(url: &str, authorization: &str) -> Reply {
    get(url, &[("Authorization", authorization)])
}

#[test]
fn every_page_requires_a_password() {
    let web = Web::new();
    let (alice, bob) = (bcrypt("secret"), bcrypt("a:b"));
    let users = format!("basic_auth_users:\n  alice: {alice}\n  bob: {bob}\n");
    let exporter = web.start(&users, "");
    for path in [
        "/",
        "/metrics",
        "/-/healthy",
        "/-/ready",
        "/nothing",
        "/bridge?selector=a",
    ] {
        let reply = exporter.get(path);
        assert_eq!(
            (reply.status, &*reply.text()),
            (401, "Unauthorized\n"),
            "{path}"
        );
        assert_eq!(reply.header("www-authenticate"), Some("Basic"));
    }
    let url = exporter.url("/-/healthy");
    for (authorization, expected) in [
        (basic("alice", "secret"), 200),
        (basic("bob", "a:b"), 200),
        (basic("alice", "secret"), 200),
        (basic("alice", "a:b"), 401),
        (basic("alice", ""), 401),
        (basic("carol", "secret"), 401),
        (basic("", ""), 401),
        ("Basic !".to_owned(), 401),
        ("Bearer secret".to_owned(), 401),
    ] {
        assert_eq!(
            ask(&url, &authorization).status,
            expected,
            "{authorization}"
        );
    }
}

#[test]
fn users_are_added_and_removed_without_a_restart() {
    let web = Web::new();
    let users = |name: &str| format!("basic_auth_users:\n  {name}: {}\n", bcrypt("secret"));
    let exporter = web.start(&users("alice"), "");
    let url = exporter.url("/");
    let statuses = || ["alice", "bob"].map(|name| ask(&url, &basic(name, "secret")).status);
    assert_eq!(statuses(), [200, 401]);
    web.configure(&users("bob"));
    assert_eq!(statuses(), [401, 200]);
    web.configure("");
    assert_eq!(get(&url, &[]).status, 200);
}

#[test]
fn many_concurrent_password_checks_all_get_a_response() {
    let web = Web::new();
    let hash = bcrypt::hash("secret", 8).unwrap();
    let exporter = web.start(&format!("basic_auth_users:\n  alice: {hash}\n"), "");
    let url = exporter.url("/-/healthy");
    let served = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for n in 0..24 {
            let (url, served) = (&url, &served);
            scope.spawn(move || {
                let right = n % 2 == 0;
                let password = if right {
                    "secret".to_owned()
                } else {
                    n.to_string()
                };
                let status = ask(url, &basic("alice", &password)).status;
                assert_eq!(status, if right { 200 } else { 401 });
                served.fetch_add(1, Ordering::Relaxed);
            });
        }
    });
    assert_eq!(served.into_inner(), 24);
}

/// Sends the requests on connections of their own at the same time. Returns the statuses.
fn at_once(exporter: &Exporter, headers: impl Iterator<Item = String>) -> Vec<u16> {
    let connect = |header: String| {
        let connection = Connection::open(exporter.address());
        (connection, format!("authorization: {header}\r\n"))
    };
    let mut requests: Vec<_> = headers.map(connect).collect();
    for (connection, header) in &mut requests {
        connection.request_with("/metrics", header);
    }
    let statuses = requests
        .iter_mut()
        .map(|(connection, _)| connection.reply());
    statuses.map(|reply| reply.status).collect()
}

#[test]
fn many_first_requests_with_the_same_password_are_all_served() {
    let web = Web::new();
    let hash = bcrypt::hash("secret", 10).unwrap();
    let exporter = web.start(&format!("basic_auth_users:\n  alice: {hash}\n"), "");
    let headers = std::iter::repeat_with(|| basic("alice", "secret"));
    assert_eq!(at_once(&exporter, headers.take(100)), [200; 100]);
}

#[test]
fn clients_with_new_names_do_not_lock_out_users() {
    const ATTACKERS: usize = 60;
    let web = Web::new();
    let hash = bcrypt::hash("secret", 10).unwrap();
    let exporter = web.start(&format!("basic_auth_users:\n  alice: {hash}\n"), "");
    let names = (0..ATTACKERS).map(|n| basic(&format!("name{n}"), "secret"));
    let statuses = at_once(&exporter, names.chain([basic("alice", "secret")]));
    let (alice, attackers) = statuses.split_last().unwrap();
    assert_eq!(*alice, 200);
    assert_eq!(attackers, [401; ATTACKERS]);
}

#[test]
fn headers_are_in_every_response() {
    let web = Web::new();
    let headers = "http_server_config:\n  headers:\n    X-Frame-Options: deny\n    \
                   X-Content-Type-Options: nosniff\n    X-XSS-Protection: 1\n    \
                   Content-Security-Policy: default-src 'self'\n    \
                   Strict-Transport-Security: max-age=31536000\n";
    let exporter = web.start(headers, "");
    let expect = |reply: &Reply| {
        for (name, value) in [
            ("x-frame-options", "deny"),
            ("x-content-type-options", "nosniff"),
            ("x-xss-protection", "1"),
            ("content-security-policy", "default-src 'self'"),
            ("strict-transport-security", "max-age=31536000"),
        ] {
            assert_eq!(reply.header(name), Some(value));
            let times = reply.headers.iter().filter(|(key, _)| key == name).count();
            assert_eq!(times, 1, "{name}");
        }
    };
    for path in ["/", "/metrics", "/nothing", "/bridge"] {
        expect(&exporter.get(path));
    }
    web.configure(&format!(
        "{headers}basic_auth_users:\n  alice: {}\n",
        bcrypt("secret")
    ));
    let refused = exporter.get("/");
    assert_eq!(refused.status, 401);
    expect(&refused);
}

#[test]
fn requests_beyond_the_rate_limit_are_refused_first() {
    let web = Web::new();
    let users = format!("basic_auth_users:\n  alice: {}\n", bcrypt("secret"));
    let rate = "rate_limit:\n  interval: 1h\n  burst: 3\n";
    let exporter = web.start(&format!("{rate}{users}"), "");
    let statuses = (0..5).map(|_| exporter.get("/").status).collect::<Vec<_>>();
    assert_eq!(statuses, [401, 401, 401, 429, 429]);
    assert_eq!(exporter.get("/").text(), "Too Many Requests\n");
    // The rate limit is fixed at startup.
    web.configure("");
    assert_eq!(exporter.get("/").status, 429);

    let exporter = web.start("rate_limit:\n  interval: 20ms\n  burst: 1\n", "");
    for _ in 0..3 {
        until("a token is added", || exporter.get("/").status == 200);
    }
    let exporter = web.start("rate_limit:\n  interval: 1s\n", "");
    assert_eq!(
        exporter.get("/").status,
        429,
        "a burst of zero refuses every request"
    );
}

#[test]
fn an_invalid_file_refuses_requests_until_it_is_valid_again() {
    let web = Web::new();
    let users = format!("basic_auth_users:\n  alice: {}\n", bcrypt("secret"));
    let exporter = web.start(&users, "");
    let ask = || ask(&exporter.url("/"), &basic("alice", "secret")).status;
    assert_eq!(ask(), 200);
    for invalid in [
        "basic_auth_users: [",
        "unknown: 1\n",
        "basic_auth_users:\n  alice: short\n",
    ] {
        web.configure(invalid);
        assert_eq!(ask(), 500, "{invalid}");
    }
    std::fs::remove_file(web.path("web.yml")).unwrap();
    assert_eq!(ask(), 500);
    web.configure(&users);
    assert_eq!(ask(), 200);
    let line = eventually("the error is logged", || {
        let log = exporter.log();
        log.into_iter().find(|line| line.contains("unknown field"))
    });
    assert!(
        line.contains("web.yml") && line.contains("refusing requests"),
        "{line}"
    );
}

/// The request body is unread when the connection is closed; the response arrives nevertheless.
#[test]
fn a_request_with_an_unread_body_gets_its_response() {
    const BODY: usize = 300_000;
    let web = Web::new();
    let exporter = web.start(&tls(&[]), "");
    let client = web.client();
    for round in 0..20 {
        let mut connection = client.connect(exporter.address()).unwrap();
        let head = format!("POST /metrics HTTP/1.1\r\nhost: x\r\ncontent-length: {BODY}\r\n\r\n");
        let body = vec![b'x'; BODY];
        connection
            .write_all(&[head.as_bytes(), &body].concat())
            .unwrap();
        connection.flush().unwrap();
        let mut response = Vec::new();
        let read = connection.read_to_end(&mut response);
        let text = String::from_utf8_lossy(&response);
        assert!(
            text.starts_with("HTTP/1.1 405 "),
            "{round}: {read:?} {text:?}"
        );
    }
}
