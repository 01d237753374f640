//! The hot paths: code that runs at every scrape, or for every byte of one.

use actix_web::web::{Bytes, Data};
use local_exporter::Compressors;
use local_exporter_actors::{
    Accepted, ActorThreads, BlockingPool, GlobalLimit, Metrics, Registry, SelectorHandle,
};
use local_exporter_config::{Environment, Input, Settings, load};
use local_exporter_exposition::{
    Check, FormatChoice, JoinRules, Rules, check, join, strip_timestamps,
};
use std::hint::black_box;
use std::time::Duration;

/// One path.
pub(crate) struct Path {
    pub(crate) name: &'static str,
    /// The number of repetitions: enough to even out differences between runs.
    pub(crate) repetitions: usize,
    /// The fraction above the recorded count that is not yet a regression.
    pub(crate) tolerance: f64,
    pub(crate) run: fn(usize),
}

/// Libraries and compilers differ a little from machine to machine.
const ONE_THREAD: f64 = 0.05;

/// The machine decides how often a thread has gone to sleep before it is needed and must be woken:
/// the same program was counted at 6,100 and at 8,200 instructions.
const TWO_THREADS: f64 = 0.40;

pub(crate) const PATHS: [Path; 9] = [
    path("check_ordinary_9kB", 50, ONE_THREAD, |n| {
        check_body(n, Check::Ingest, 100);
    }),
    path("check_ordinary_92kB", 10, ONE_THREAD, |n| {
        check_body(n, Check::Ingest, 1000);
    }),
    path("check_strict_9kB", 20, ONE_THREAD, |n| {
        check_body(n, Check::Strict, 100);
    }),
    path("strip_timestamps_9kB", 20, ONE_THREAD, strip),
    path("join_two_files_9kB", 10, ONE_THREAD, join_two),
    path("gzip_9kB", 10, ONE_THREAD, compress),
    path("configuration_100_selectors", 2, ONE_THREAD, configuration),
    path("files_examined_1000", 10, TWO_THREADS, examine_files),
    path("scrape_cached_file_9kB", 400, TWO_THREADS, scrape_file),
];

const fn path(name: &'static str, repetitions: usize, tolerance: f64, run: fn(usize)) -> Path {
    Path {
        name,
        repetitions,
        tolerance,
        run,
    }
}

/// A body with this number of series, about 90 bytes each, as a registry writes them.
fn body(series: usize, end: &str) -> Vec<u8> {
    let head = "# HELP http_requests_total Requests.\n# TYPE http_requests_total counter\n";
    let line = |n: usize| {
        format!(
            "http_requests_total{{method=\"GET\",code=\"200\",path=\"/api/v1/query/{n:04}\",instance=\"a\"}} {n}{end}\n"
        )
    };
    let lines: String = (0..series).map(line).collect();
    (head.to_owned() + &lines).into_bytes()
}

fn check_body(repetitions: usize, level: Check, series: usize) {
    let body = body(series, "");
    let rules = Rules {
        check: level,
        ..Rules::default()
    };
    for _ in 0..repetitions {
        black_box(check(black_box(&body), &rules)).expect("a good body");
    }
}

fn strip(repetitions: usize) {
    let body = body(100, " 1700000000000");
    for _ in 0..repetitions {
        black_box(strip_timestamps(black_box(&body), FormatChoice::Text)).expect("a good body");
    }
}

fn join_two(repetitions: usize) {
    let (one, two) = (body(50, ""), body(100, ""));
    let files = [("one", &one[..]), ("two", &two[..])];
    let text = JoinRules {
        format: FormatChoice::Text,
        ..JoinRules::default()
    };
    for _ in 0..repetitions {
        black_box(join(black_box(&files), text));
    }
}

fn compress(repetitions: usize) {
    let body = Bytes::from(body(100, ""));
    let compressors = Data::new(compressors());
    actix_rt::System::new().block_on(async {
        for _ in 0..repetitions {
            let compressed = Compressors::compress(compressors.clone(), body.clone());
            black_box(compressed.await).expect("it is compressed");
        }
    });
}

fn settings(text: String) -> Settings {
    let input = Input {
        name: "benchmark".into(),
        text,
    };
    load(Some(&input), &Environment::new()).expect("a right configuration")
}

fn configuration(repetitions: usize) {
    let mut text = String::from("[bridge.selectors]\n");
    for number in 0..100 {
        text += &format!("s{number} = {{ kind = \"uds\", path = \"/run/{number}/sock\" }}\n");
    }
    for _ in 0..repetitions {
        black_box(settings(text.clone()));
    }
}

/// Replaces one of a thousand files, and waits until the new content is served. Covers a complete
/// examination with its bookkeeping: the report, the metrics and the log.
fn examine_files(repetitions: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    for number in 0..1000 {
        let file = path(&format!("{number:04}.prom"));
        std::fs::write(file, format!("m{number} 1\n")).expect("a file");
    }
    let source = format!("kind = \"file\", path = {:?}", folder.path());
    with_selector(&source, async |handle| {
        for number in 0..repetitions {
            let line = format!("m0 1{number}\n");
            std::fs::write(path("new"), &line).expect("a file");
            std::fs::rename(path("new"), path("0000.prom")).expect("a file");
            loop {
                let response = handle.scrape(Duration::MAX, Accepted::EVERYTHING).await;
                let body = response.expect("a response").body;
                if body.windows(line.len()).any(|part| part == line.as_bytes()) {
                    break;
                }
                actix_rt::time::sleep(Duration::from_millis(50)).await;
            }
        }
    });
}

fn scrape_file(repetitions: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("m.prom");
    std::fs::write(&file, body(100, "")).expect("a file");
    scrape(repetitions, &format!("kind = \"file\", path = {file:?}"));
}

fn scrape(repetitions: usize, source: &str) {
    with_selector(source, async |handle| {
        for _ in 0..repetitions {
            let response = handle.scrape(Duration::MAX, Accepted::EVERYTHING).await;
            black_box(response).expect("a response");
        }
    });
}

fn with_selector(source: &str, run: impl AsyncFnOnce(&SelectorHandle)) {
    let settings = settings(format!("[bridge.selectors]\nit = {{ {source} }}\n"));
    let metrics = Metrics::register(&prometheus::Registry::new()).expect("an empty registry");
    actix_rt::System::new().block_on(async {
        let threads = ActorThreads::start(GlobalLimit::unlimited()).expect("threads");
        let registry = Registry::start(settings.selectors, &threads, &metrics);
        run(registry.get("it").expect("the one selector")).await;
    });
}

fn compressors() -> Compressors {
    Compressors::new(BlockingPool::start().expect("threads"))
}
