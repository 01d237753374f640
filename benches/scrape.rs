//! The cost of a scrape without HTTP: one message to the selector's actor and back, with a cached
//! file, a socket or a bus as its source.
//!
//! `cargo bench --bench scrape`. The bodies are 9 kB, about a hundred series. `uds_floor` is the
//! lower bound of a pull: connect, read, close. The cost of compression, once for each body, is
//! measured separately.

#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::cast_precision_loss,
    reason = "a benchmark that cannot go on has failed"
)]

use actix_rt::SystemRunner;
use actix_web::web::{Bytes, Data};
use divan::Bencher;
use local_exporter::Compressors;
use local_exporter_actors::BlockingPool;
use local_exporter_actors::{Accepted, ActorThreads, GlobalLimit, Metrics, Registry};
use local_exporter_config::{Environment, Input, load};
use local_exporter_daemons::bus::Bus;
use local_exporter_daemons::prombus::{self, Prombus};
use local_exporter_daemons::promsock::PromSock;
use std::io::Read;
use std::os::unix::net::UnixStream;
use std::time::Duration;
use tempfile::TempDir;

fn main() {
    divan::main();
}

fn body() -> Vec<u8> {
    let line = |n: usize| {
        format!(
            "http_requests_total{{method=\"GET\",code=\"200\",path=\"/api/v1/query/{n:04}\",instance=\"a\"}} {n}\n"
        )
    };
    (0..100).map(line).collect::<String>().into_bytes()
}

/// An actix system with one selector, `it`, started from a configuration.
struct Scene {
    system: SystemRunner,
    registry: Registry,
    _threads: ActorThreads,
}

impl Scene {
    fn new(source: &str) -> Self {
        let input = Input {
            name: "benchmark".into(),
            text: format!("[bridge.selectors]\nit = {{ {source} }}\n"),
        };
        let settings = load(Some(&input), &Environment::new()).expect("a right configuration");
        let metrics = Metrics::register(&prometheus::Registry::new()).expect("an empty registry");
        let system = actix_rt::System::new();
        let (threads, registry) = system.block_on(async {
            let threads = ActorThreads::start(GlobalLimit::unlimited()).expect("threads");
            let registry = Registry::start(settings.selectors, &threads, &metrics);
            (threads, registry)
        });
        Self {
            system,
            registry,
            _threads: threads,
        }
    }

    fn scrape(&self) -> usize {
        let handle = self.registry.get("it").expect("the one selector");
        let response = handle.scrape(Duration::MAX, Accepted::EVERYTHING);
        self.system
            .block_on(response)
            .expect("a response")
            .body
            .len()
    }

    fn bench(&self, bencher: Bencher<'_, '_>) {
        assert_eq!(self.scrape(), body().len());
        bencher.bench_local(|| self.scrape());
    }
}

fn socket() -> (TempDir, PromSock) {
    let folder = tempfile::tempdir().expect("a folder");
    let daemon = PromSock::bind(folder.path().join("sock"), body).expect("a socket");
    (folder, daemon)
}

#[divan::bench]
fn file_cached(bencher: Bencher<'_, '_>) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("m.prom");
    std::fs::write(&file, body()).expect("a file");
    Scene::new(&format!("kind = \"file\", path = {file:?}")).bench(bencher);
}

#[divan::bench]
fn uds_pull(bencher: Bencher<'_, '_>) {
    let (_folder, daemon) = socket();
    Scene::new(&format!("kind = \"uds\", path = {:?}", daemon.path())).bench(bencher);
}

#[divan::bench]
fn uds_pull_unchecked(bencher: Bencher<'_, '_>) {
    let (_folder, daemon) = socket();
    let source = format!(
        "kind = \"uds\", path = {:?}, check = \"none\"",
        daemon.path()
    );
    Scene::new(&source).bench(bencher);
}

#[divan::bench]
fn uds_floor(bencher: Bencher<'_, '_>) {
    let (_folder, daemon) = socket();
    bencher.bench_local(|| {
        let mut body = Vec::with_capacity(16 * 1024);
        let mut stream = UnixStream::connect(daemon.path()).expect("a connection");
        stream.read_to_end(&mut body).expect("a body");
        body.len()
    });
}

#[divan::bench]
fn dbus_call(bencher: Bencher<'_, '_>) {
    let bus = Bus::start().expect("dbus-daemon");
    let _prombus = Prombus::start(&bus.address(), body).expect("prombus");
    let source = format!(
        "kind = \"dbus\", bus = \"{}\", destination = \"{}\", method = \"{}.{}\", path = \"{}\"",
        bus.address(),
        prombus::NAME,
        prombus::INTERFACE,
        prombus::METHOD,
        prombus::PATH,
    );
    Scene::new(&source).bench(bencher);
}

#[divan::bench(args = [1, 10, 100])]
fn gzip_of_9kb_times(bencher: Bencher<'_, '_>, times: usize) {
    let body = Bytes::from(body().repeat(times));
    let compressors = Data::new(compressors());
    let system = actix_rt::System::new();
    bencher.bench_local(|| {
        let compressed = Compressors::compress(compressors.clone(), body.clone());
        system.block_on(compressed).expect("it is compressed").len()
    });
}

#[divan::bench]
fn configuration_load(bencher: Bencher<'_, '_>) {
    let mut text = String::from("[bridge.selectors]\n");
    for number in 0..100 {
        text += &format!("s{number} = {{ kind = \"uds\", path = \"/run/{number}/sock\" }}\n");
    }
    let input = Input {
        name: "benchmark".into(),
        text,
    };
    bencher
        .bench(|| load(Some(&input), &Environment::new()).map(|settings| settings.selectors.len()));
}

fn compressors() -> Compressors {
    Compressors::new(BlockingPool::start().expect("threads"))
}
