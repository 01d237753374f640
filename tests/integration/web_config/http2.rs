//! HTTP/2: when it is negotiated, and how its requests and connections end.

use super::{Client, Web, tls};
use crate::support::{quoted, until};
use local_exporter_daemons::fault::Behaviour;
use local_exporter_daemons::scripted::ScriptedDaemon;
use rustls::pki_types::ServerName;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

#[test]
fn http2_is_negotiated_unless_it_is_disabled() {
    let web = Web::new();
    let both = web.client().protocols(&[b"h2", b"http/1.1"]);
    let negotiated = |address: &str| {
        let connection = both.connect(address).unwrap();
        connection.conn.alpn_protocol().map(<[u8]>::to_vec)
    };
    let exporter = web.start(&tls(&[]), "");
    assert_eq!(negotiated(exporter.address()), Some(b"h2".to_vec()));
    let responses = over_http2(
        &both,
        exporter.address(),
        &["/-/healthy", "/metrics", "/nothing"],
    );
    let statuses = responses
        .iter()
        .map(|(status, _)| *status)
        .collect::<Vec<_>>();
    assert_eq!(statuses, [200, 200, 404]);
    assert!(
        responses[1].1.contains("local_exporter_build_info"),
        "{}",
        responses[1].1
    );

    let exporter = web.start(&(tls(&[]) + "http_server_config:\n  http2: false\n"), "");
    assert_eq!(negotiated(exporter.address()), Some(b"http/1.1".to_vec()));
    assert!(both.is_served(exporter.address()));
}

#[test]
fn shutdown_does_not_wait_for_idle_http2_connections() {
    let web = Web::new();
    let mut exporter = web.start(&tls(&[]), "");
    let client = web.client().protocols(&[b"h2"]);
    runtime().block_on(async {
        let mut requests = http2(&client, exporter.address()).await;
        let (status, _) = fetch(&mut requests, exporter.address(), "/-/healthy").await;
        assert_eq!(status, 200);
        exporter.signal("TERM");
        let status = tokio::task::spawn_blocking(move || exporter.ended())
            .await
            .unwrap();
        assert!(status.success(), "{status}");
        drop(requests);
    });
}

#[test]
fn resetting_a_stream_cancels_its_scrape_only() {
    let web = Web::new();
    let socket = web.path("sock");
    let _daemon = ScriptedDaemon::start(&socket, Behaviour::HangAfterAccept).unwrap();
    let exporter = web.start(
        &tls(&[]),
        &format!(
            "[bridge.selectors.hung]\nkind = \"uds\"\ntimeout = \"1h\"\npath = {}\n",
            quoted(&socket)
        ),
    );
    runtime().block_on(async {
        let client = web.client().protocols(&[b"h2"]);
        let address = exporter.address();
        let mut requests = http2(&client, address).await;
        let mut scrape = || {
            let uri = format!("https://{address}/bridge?selector=hung");
            let request = http::Request::builder().uri(uri).body(()).unwrap();
            requests.send_request(request, true).unwrap()
        };
        let (mut one, other) = (scrape(), scrape());
        let until_in_flight = async |count| in_flight(web.client(), address, count).await;
        until_in_flight(2).await;
        one.1.send_reset(h2::Reason::CANCEL);
        until_in_flight(1).await;
        let (status, _) = fetch(&mut requests, address, "/-/healthy").await;
        assert_eq!(status, 200, "the connection stays open");
        drop(other);
        until_in_flight(0).await;
    });
}

/// Waits until so many scrapes of the first selector are in flight.
async fn in_flight(client: Client, address: &str, count: u64) {
    let address = address.to_owned();
    // A task of the current thread sends the frames, so the thread must not block.
    let waiting = tokio::task::spawn_blocking(move || {
        until("the scrapes are in flight", || {
            let response = client.get(&address, "/debug/actors").unwrap();
            let (_, page) = response.split_once("\r\n\r\n").unwrap();
            let page: serde_json::Value = serde_json::from_str(page).unwrap();
            page["actors"][0]["in_flight"] == count
        });
    });
    waiting.await.unwrap();
}

pub(super) fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap()
}

/// Sends several requests at a time on one connection; returns their statuses and bodies.
fn over_http2(client: &Client, address: &str, paths: &[&str]) -> Vec<(u16, String)> {
    runtime().block_on(async {
        let requests = http2(client, address).await;
        let responses = paths.iter().map(|path| {
            let mut requests = requests.clone();
            async move { fetch(&mut requests, address, path).await }
        });
        futures_util::future::join_all(responses).await
    })
}

pub(super) async fn http2(
    client: &Client,
    address: &str,
) -> h2::client::SendRequest<&'static [u8]> {
    let socket = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let connector = TlsConnector::from(Arc::clone(&client.config()));
    let stream = connector.connect(name, socket).await.unwrap();
    let handshake = h2::client::Builder::new().handshake::<_, &'static [u8]>(stream);
    let (requests, connection) = handshake.await.unwrap();
    tokio::spawn(async move { drop(connection.await) });
    requests.ready().await.unwrap()
}

pub(super) async fn fetch(
    requests: &mut h2::client::SendRequest<&'static [u8]>,
    address: &str,
    path: &str,
) -> (u16, String) {
    let request = http::Request::builder().uri(format!("https://{address}{path}"));
    let (response, _) = requests
        .send_request(request.body(()).unwrap(), true)
        .unwrap();
    let response = response.await.unwrap();
    let status = response.status().as_u16();
    let mut body = response.into_body();
    let mut text = Vec::new();
    while let Some(data) = body.data().await {
        let data = data.unwrap();
        body.flow_control().release_capacity(data.len()).unwrap();
        text.extend_from_slice(&data);
    }
    (status, String::from_utf8_lossy(&text).into_owned())
}
