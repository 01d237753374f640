//! Clients that ask and then take little or nothing of the answer: what they hold is bounded, they
//! are cut off, and nobody else waits for them.

use super::Scene;
use super::connection::Connection;
use super::live::{self, Live};
use crate::serving::Serving;
use crate::support::{get, program, quoted, until};
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Half of them want their answers compressed.
const READERS: u32 = 300;
/// What the answer has, in bytes: far more than a connection's buffers hold, also compressed.
const LARGE: usize = 12 << 20;
/// What may be resident of each reader, in bytes: a slice of the answer, which is otherwise shared,
/// and its connection.
const EACH: u32 = 128 << 10;
/// What else may come, in bytes: the answer compressed, and what an allocator keeps.
const MEMORY: u32 = 16 << 20;
/// When those who take too little may not be cut off yet, and by when they are: a minute after they
/// asked, and what the kernel still had for them takes a while to read.
const CUT_OFF: [Duration; 2] = [Duration::from_secs(55), Duration::from_secs(90)];
/// How many bytes such a client takes at once, every half second.
const DROP: usize = 32 << 10;

/// A scene with `large`, a file whose numbers are no pattern.
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

/// A client that has taken the first line of its answer, and then takes nothing; none if its
/// connection ends before.
fn stalled(scene: &Scene, path: &str, headers: &str) -> Option<Connection> {
    const LINE: &str = "HTTP/1.1 200 OK\r\n";
    let mut reader = scene.connect();
    reader.ask_with(path, headers);
    reader.take(LINE.len()).then_some(reader)
}

fn resident(scene: &Scene) -> f64 {
    let resident = scene.exporter.metric("process_resident_memory_bytes");
    resident.unwrap()
}

#[test]
fn hundreds_hold_little_and_keep_nobody_waiting() {
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
    println!("{READERS} readers: {more} bytes more, {bound} may be");
    assert!(more <= f64::from(bound), "{more} bytes");
    assert!(scene.exporter.metric(open) >= Some(f64::from(READERS)));
    // They were not given up: who goes on gets all of it.
    let mut last = readers.swap_remove(READERS as usize - 2);
    assert!(last.rest_of(body.len()) == body);
    drop((readers, last));
    until("no descriptor is left", || {
        scene.exporter.descriptors() <= descriptors
    });
    scene.assert_well();
}

/// What was read of their requests is theirs as well.
#[test]
fn whoever_asks_ahead_and_takes_nothing_holds_little() {
    const CLIENTS: u32 = 50;
    const AHEAD: usize = 800;
    let scene = Scene::start("", "5s");
    let request = "GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n";
    let before = resident(&scene);
    let reader = |_| {
        let mut reader = scene.connect();
        reader.send(&request.repeat(AHEAD));
        assert!(reader.take(request.len()), "not answered");
        reader
    };
    let readers: Vec<_> = (0..CLIENTS).map(reader).collect();
    scene.assert_well();
    let (more, bound) = (resident(&scene) - before, MEMORY + CLIENTS * EACH);
    println!("{CLIENTS} clients: {more} bytes more, {bound} may be");
    assert!(more <= f64::from(bound), "{more} bytes");
    drop(readers);
    scene.assert_well();
}

/// Whoever takes nothing of a page in reserve holds its seat, and the next one finds none.
#[test]
fn past_the_reserve_connections_end_unheard_and_are_counted() {
    // The page of the configuration is large by the label that it shows.
    let label = "x".repeat(2 << 20);
    let selectors = format!(
        "labelled = {{ kind = \"uds\", path = \"/nowhere\", labels = {{ label = {label:?} }} }}\n"
    );
    let scene = Scene::start_with("max_connections = 9", "1m", &selectors);
    let waiting = scene.hang_on_all(9);
    let mut readers = Vec::new();
    until("none is left in reserve", || {
        let reader = stalled(&scene, "/config", "");
        let heard = reader.is_some();
        readers.extend(reader);
        !heard
    });
    println!("{} readers in reserve", readers.len());
    assert!(readers.len() > 16, "there is hardly a reserve");
    drop(readers);
    until("pages are answered again", || {
        let mut client = scene.connect();
        client.ask("/-/healthy");
        client.answer().is_some_and(|reply| reply.status == 200)
    });
    assert!(scene.met("reserve") >= 1.0);
    drop(waiting);
    until("all is well again", || {
        scene.exporter.scrape("well").status == 200
    });
}

/// Over TCP the kernel ends who takes nothing, before the exporter does; over a unix socket nobody
/// else would.
#[test]
#[ignore = "long: a minute is what a client may take"]
fn whoever_takes_nothing_or_only_drops_is_cut_off() {
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
    until("it is served", || {
        page("/bridge?selector=large").status == 200
    });
    let began = Instant::now();
    let mut silent = UnixStream::connect(&socket).unwrap();
    silent
        .write_all(b"GET /bridge?selector=large HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    let mut slow = Connection::open(&address);
    slow.ask("/bridge?selector=large");
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
        if !slow.take(DROP) {
            ends[1].get_or_insert(passed);
        }
        std::thread::park_timeout(Duration::from_millis(500));
    }
    println!("who took nothing, and who took drops, was cut off after {ends:.1?}");
    until("each is counted", || counted() > 1.5);
    assert!(ends.iter().all(|end| *end >= Some(CUT_OFF[0])), "{ends:?}");
}
