//! Protobuf bodies, which an HTTP server of the test serves to a real Prometheus, because 2.42 does not ask for them.

use super::generated;
use crate::prometheus::Prometheus;
use crate::support::until;
use fastrand::Rng;
use local_exporter_exposition::{Check, FormatChoice, Rules, check};
use local_exporter_skip::skip;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

/// The seed of the generated bodies. About one in 5,000 bodies has a difference between 2.42 and 3.5 that
/// this test does not recognise, such as a label without a name: other seeds, by the variable
/// `GENERATED_SEED`, need a look at their differences.
const SEED: u64 = 1;
/// The number of generated bodies.
const GENERATED: usize = 2000;

/// Bodies with what Prometheus is expected to make of them.
type Bodies = Vec<(String, Vec<u8>, bool)>;

/// Serves the body with the number in the path of each request.
fn serve(bodies: &Bodies) -> SocketAddr {
    let bodies: Arc<Vec<Vec<u8>>> =
        Arc::new(bodies.iter().map(|(_, body, _)| body.clone()).collect());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let bodies = Arc::clone(&bodies);
            std::thread::spawn(move || answer(stream, &bodies));
        }
    });
    address
}

fn answer(stream: TcpStream, bodies: &[Vec<u8>]) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let request = lines.next()?.ok()?;
    let path = request.split(' ').nth(1)?.trim_start_matches('/');
    let body = bodies.get(path.parse::<usize>().ok()?)?;
    while lines.next()?.is_ok_and(|line| !line.is_empty()) {}
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.google.protobuf; \
         proto=io.prometheus.client.MetricFamily; encoding=delimited\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let mut stream = stream;
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body).ok()
}

fn verdicts_agree(bodies: &Bodies) {
    let address = serve(bodies);
    let mut config =
        "global: {scrape_interval: 15s, scrape_timeout: 15s}\nscrape_configs:\n".to_owned();
    for number in 0..bodies.len() {
        writeln!(
            config,
            "- {{job_name: b{number}, metrics_path: /{number}, honor_timestamps: false, \
             static_configs: [{{targets: [\"{address}\"]}}]}}"
        )
        .unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let prometheus = Prometheus::start(folder.path(), &config);
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    let all = bodies.len() as f64;
    until("every body was scraped", || {
        prometheus.query("count(up)") == Some(all)
    });
    let mut wrong = Vec::new();
    for (number, (name, body, ingested)) in bodies.iter().enumerate() {
        let up = prometheus.query(&format!("up{{job=\"b{number}\"}}")) == Some(1.0);
        if up != *ingested {
            wrong.push(format!("{name}: up {up}: {}", body.escape_ascii()));
        }
    }
    assert!(wrong.is_empty(), "{} wrong: {wrong:#?}", wrong.len());
}

fn is_installed() -> bool {
    let version = Command::new("prometheus").arg("--version").output();
    let installed = version
        .is_ok_and(|version| String::from_utf8_lossy(&version.stdout).contains("version 2.42."));
    if !installed {
        skip("the verdicts of our bodies are those of Prometheus 2.42, which is not installed");
    }
    installed
}

#[test]
fn verdicts_on_protobuf_are_those_of_the_installed_prometheus() {
    if !is_installed() {
        return;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("actors/exposition/tests/corpus");
    let table = std::fs::read_to_string(folder.join("verdicts.tsv")).unwrap();
    // Those that crash Prometheus would end it for all others.
    let lines = table
        .lines()
        .filter(|line| line.starts_with("protobuf/") && !line.contains("crashes"));
    let case = |line: &str| {
        let columns: Vec<&str> = line.split('\t').collect();
        let body = std::fs::read(folder.join(columns[0])).unwrap();
        (columns[0].to_owned(), body, columns[4] == "ingested")
    };
    let bodies: Bodies = lines.map(case).collect();
    assert!(bodies.len() > 30, "only {} bodies", bodies.len());
    verdicts_agree(&bodies);
}

/// Whether 2.42 may accept an encoding that the check refuses: it does not know the unit, field 5, so
/// that any wire type of it is right, and it ignores the bits of a number beyond 64.
fn is_lenient_about(body: &[u8], fault: &str) -> bool {
    let unit = |byte: &u8| matches!(byte, 0x28 | 0x29 | 0x2d);
    let beyond_64_bits = |number: &[u8]| {
        let (last, before) = number.split_last().unwrap();
        (2..0x80).contains(last) && before.iter().all(|byte| *byte >= 0x80)
    };
    fault.contains("not encoded as its declaration requires")
        && (body.iter().any(unit) || body.windows(10).any(beyond_64_bits))
}

/// Prometheus ingests exactly the generated bodies that the check accepts.
#[test]
fn the_check_agrees_with_prometheus_about_generated_protobuf() {
    if !is_installed() {
        return;
    }
    let seed = std::env::var("GENERATED_SEED").map_or(SEED, |seed| seed.parse().unwrap());
    println!("seed {seed}");
    let mut random = Rng::with_seed(seed);
    let rules = Rules {
        check: Check::Ingest,
        format: FormatChoice::Protobuf,
        allow_empty: true,
        ..Rules::default()
    };
    let mut bodies = Bodies::new();
    while bodies.len() < GENERATED {
        let body = generated::body(&mut random);
        let verdict = check(&body, &rules);
        // 2.42 knows no UTF-8 names. Native histograms, by a flipped bit, are refused or crash it.
        let comparable = verdict.as_ref().map_or_else(
            |fault| !fault.message.contains("crashes") && !is_lenient_about(&body, &fault.message),
            |summary| !summary.needs_utf8,
        );
        if comparable {
            bodies.push((
                format!("seed {seed}, body {}", bodies.len()),
                body,
                verdict.is_ok(),
            ));
        }
    }
    let accepted = bodies.iter().filter(|(_, _, accepted)| *accepted).count();
    assert!(accepted > GENERATED / 4, "only {accepted} are accepted");
    verdicts_agree(&bodies);
}
