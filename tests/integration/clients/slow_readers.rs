//! Clients that read little or nothing of a response: their memory is bounded, they are cut off,
//! and other clients do not wait for them.

use super::Scene;
use super::connection::Connection;
use super::live::{self, Live};
use crate::serving::Serving;
use crate::support::{get, program, quoted, until};
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Number of clients. Half of them accept gzip.
const READERS: u32 = 300;
/// Size of the body, in bytes: far more than the buffers of a connection, also compressed.
const LARGE: usize = 12 << 20;
/// Resident memory that each client may use, in bytes: its connection and a slice of the body,
/// which is shared otherwise.
const EACH: u32 = 128 << 10;
/// Other memory that may be used, in bytes: the compressed body, and what the allocator keeps.
const MEMORY: u32 = 16 << 20;
/// The earliest and the latest time at which slow clients are cut off: a minute after the request.
/// Reading what the kernel has buffered takes a while longer.
const CUT_OFF: [Duration; 2] = [Duration::from_secs(55), Duration::from_secs(90)];
/// Number of bytes that a slow client reads every half second.
const DROP: usize = 32 << 10;

/// A scene with the selector `large`, a file that compresses badly.
fn scene(live: &Live) -> (Scene, Vec<u8>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.prom");
    let mut random = fastrand::Rng::with_seed(1);
    let mut body = String::new();
    while body.len() < LARGE {
        let (series, value) = (random.u64(..), random.u64(..));
        body += &format!("large{{series=\"{series:x}\"}} {value}\n");
    }
    std::fs::write(&path, &body).unwrap();
    let selectors = format!(
        "{}large = {{ kind = \"file\", path = {}, max_bytes = \"16MiB\" }}\n",
        live.selectors(),
        quoted(&path)
    );
    let scene = Scene::start_with("", "5s", &selectors);
    (scene, body.into_bytes(), folder)
}

/// A client that has read the status line of its response and then reads nothing. `None` if its
/// connection ends before.
fn stalled(scene: &Scene, path: &str, headers: &str) -> Option<Connection> {
    const LINE: &str = "HTTP/1.1 200 OK\r\n";
    let mut reader = scene.connect();
    reader.request_with(path, headers);
    reader.read(LINE.len()).then_some(reader)
}

/// Not read from `/metrics`, which is shared while a client has not read it.
fn resident(scene: &Scene) -> f64 {
    super::unread::resident(&scene.exporter) * 1_048_576.0
}

#[test]
fn hundreds_of_slow_clients_use_little_memory_and_do_not_delay_others() {
    let live = Live::start();
    let (scene, body, _folder) = scene(&live);
    assert!(scene.exporter.scrape("large").body == body);
    for selector in live::SELECTORS {
        assert_eq!(scene.exporter.scrape(selector).status, 200);
    }
    let (before, descriptors) = (resident(&scene), scene.exporter.descriptors());
    let (mut readers, more) = live::scraped_meanwhile(&scene, || {
        let encoding = |number: u32| match number % 2 {
            0 => "",
            _ => "accept-encoding: gzip\r\n",
        };
        let reader = |number| stalled(&scene, "/bridge?selector=large", encoding(number)).unwrap();
        let readers: Vec<_> = (0..READERS).map(reader).collect();
        (readers, resident(&scene) - before)
    });
    let (bound, open) = (MEMORY + READERS * EACH, "local_exporter_http_connections");
    println!("{READERS} readers: {more} bytes more, the bound is {bound}");
    assert!(more <= f64::from(bound), "{more} bytes");
    assert!(scene.exporter.metric(open) >= Some(f64::from(READERS)));
    // They were not cut off: a client that continues to read gets the whole body.
    let mut last = readers.swap_remove(READERS as usize - 2);
    assert!(last.rest_of(body.len()) == body);
    drop((readers, last));
    until("no descriptor is left", || {
        scene.exporter.descriptors() <= descriptors
    });
    scene.assert_well();
}

/// Requests that were read but not served yet use memory too.
#[test]
fn a_client_that_pipelines_requests_and_reads_nothing_uses_little_memory() {
    const CLIENTS: u32 = 50;
    const PIPELINED: usize = 800;
    let scene = Scene::start("", "5s");
    let request = "GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n";
    let before = resident(&scene);
    let reader = |_| {
        let mut reader = scene.connect();
        reader.send(&request.repeat(PIPELINED));
        assert!(reader.read(request.len()), "no response");
        reader
    };
    let readers: Vec<_> = (0..CLIENTS).map(reader).collect();
    scene.assert_well();
    let (more, bound) = (resident(&scene) - before, MEMORY + CLIENTS * EACH);
    println!("{CLIENTS} clients: {more} bytes more, the bound is {bound}");
    assert!(more <= f64::from(bound), "{more} bytes");
    drop(readers);
    scene.assert_well();
}

/// On reserved connections only small responses are served, and those for two seconds at most.
#[test]
fn clients_that_do_not_read_do_not_keep_reserved_connections() {
    // The label makes the page large.
    let label = "x".repeat(2 << 20);
    let selectors = format!(
        "labelled = {{ kind = \"uds\", path = \"/nowhere\", labels = {{ label = {label:?} }} }}\n"
    );
    let scene = Scene::start_with("max_connections = 9", "1m", &selectors);
    let waiting = scene.hang_on_all(9);
    let readers: Vec<_> = (0..64)
        .map(|_| {
            let mut reader = scene.connect();
            reader.request("/config");
            reader
        })
        .collect();
    for _ in 0..20 {
        let mut client = scene.connect();
        let began = Instant::now();
        client.request("/-/healthy");
        assert_eq!(client.reply().status, 200);
        assert!(began.elapsed() < Duration::from_secs(2));
    }
    let mut client = scene.connect();
    client.request("/config");
    let reply = client.reply();
    assert_eq!(reply.status, 503);
    assert!(
        reply.text().contains("service.max_connections"),
        "{}",
        reply.text()
    );
    assert!(reply.text().contains("64 KiB"), "{}", reply.text());
    drop((readers, waiting));
    until("everything is served again", || {
        scene.exporter.get("/config").body.len() > 2 << 20
    });
}

/// Over TCP, the kernel ends the connection of a client that reads nothing before the exporter
/// does. Over a unix socket only the exporter does.
#[test]
#[ignore = "long: the limit is a minute"]
fn a_client_that_reads_nothing_or_little_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let (socket, file) = (folder.path().join("sock"), folder.path().join("m.prom"));
    std::fs::write(&file, "a 1\n".repeat(LARGE / 4)).unwrap();
    let unix = format!("unix:{}", socket.display());
    let listen = ["--web.listen-address", "127.0.0.1:0"];
    let listen = [&listen[..], &["--web.listen-address", &unix]].concat();
    let large = format!("large = {{ kind = \"file\", path = {} }}\n", quoted(&file));
    let config = format!("[bridge.selectors]\n{large}");
    let serving = Serving::start(program(), &listen, &config);
    let address = serving.address();
    let page = |page: &str| get(&format!("http://{address}{page}"), &[]);
    until("the file is served", || {
        page("/bridge?selector=large").status == 200
    });
    let began = Instant::now();
    let mut silent = UnixStream::connect(&socket).unwrap();
    silent
        .write_all(b"GET /bridge?selector=large HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    let mut slow = Connection::open(&address);
    slow.request("/bridge?selector=large");
    let mut ends = [None; 2];
    let series = "local_exporter_http_limit_reached_total{limit=\"write_timeout\"} ";
    let counted = || {
        let metrics = page("/metrics").text();
        let count = metrics.lines().find_map(|line| line.strip_prefix(series));
        count.unwrap().parse::<f64>().unwrap()
    };
    while ends.contains(&None) {
        let passed = began.elapsed();
        assert!(passed < CUT_OFF[1], "{ends:?}");
        if counted() > 0.0 {
            ends[0].get_or_insert(passed);
        }
        if !slow.read(DROP) {
            ends[1].get_or_insert(passed);
        }
        std::thread::park_timeout(Duration::from_millis(500));
    }
    println!("the client that read nothing and the slow one were cut off after {ends:.1?}");
    until("each is counted", || counted() > 1.5);
    assert!(ends.iter().all(|end| *end >= Some(CUT_OFF[0])), "{ends:?}");
}
