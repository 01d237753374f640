//! Compares the checker with two collections of bodies that have verdicts: our own in `tests/corpus/`, and a larger one
//! beside the repository.

use local_exporter_exposition::{
    Check, FaultKind, FinalNewline, FormatChoice, Rules, check, list_faults,
};
use local_exporter_skip::skip;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The format of the bodies in the folder of `file`.
fn format(file: &str) -> FormatChoice {
    match file.split('/').next() {
        Some("text") => FormatChoice::Text,
        Some("openmetrics" | "om") => FormatChoice::OpenMetrics,
        Some("protobuf") => FormatChoice::Protobuf,
        _ => panic!("{file} is in no folder of a format"),
    }
}

/// The verdict on `body`, as `verdicts.tsv` has it.
fn verdict(body: &[u8], check_level: Check, format: FormatChoice) -> String {
    let rules = Rules {
        check: check_level,
        format,
        ..Rules::default()
    };
    let Err(fault) = check(body, &rules) else {
        assert_eq!(list_faults(body, &rules), []);
        return "ok".to_owned();
    };
    assert_eq!(list_faults(body, &rules).first(), Some(&fault));
    let kind = match fault.kind {
        FaultKind::Empty => "empty",
        FaultKind::Truncated => "truncated",
        FaultKind::Malformed => "malformed",
    };
    format!("{kind} {}", fault.line)
}

#[test]
fn our_own_bodies_have_their_verdicts_at_every_level() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let table = std::fs::read_to_string(corpus.join("verdicts.tsv")).unwrap();
    let mut wrong = Vec::new();
    let mut listed = BTreeSet::new();
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let columns: Vec<&str> = line.split('\t').collect();
        let [file, ingest, strict, whole, prometheus, _rule, rest @ ..] = &columns[..] else {
            panic!("not a line of the table: {line}");
        };
        assert!(listed.insert((*file).to_owned()), "{file} is listed twice");
        let body = std::fs::read(corpus.join(file)).unwrap();
        let levels = [
            (Check::Ingest, ingest),
            (Check::Strict, strict),
            (Check::Whole, whole),
            (Check::None, &"ok"),
        ];
        for (level, expected) in levels {
            let found = verdict(&body, level, format(file));
            if found != *expected {
                wrong.push(format!("{file} {level:?}: {found}, expected {expected}"));
            }
        }
        let agrees = (*ingest == "ok") == (*prometheus == "ingested");
        assert_eq!(agrees, rest.is_empty(), "{file}: a difference has a reason");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(listed.len() >= 178, "only {} bodies", listed.len());
    let mut found = BTreeSet::new();
    for folder in ["text", "openmetrics", "protobuf"] {
        for entry in std::fs::read_dir(corpus.join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            found.insert(format!("{folder}/{name}"));
        }
    }
    assert_eq!(found, listed, "the files and the table");
}

/// The file of every case and whether Prometheus ingested it, from a table in JSON with one key per line.
fn verdicts(table: &str) -> Vec<(&str, bool)> {
    let mut file = "";
    let mut verdicts = Vec::new();
    for line in table.lines() {
        let mut quoted = line.split('"').skip(1).step_by(2);
        match (quoted.next(), quoted.next()) {
            (Some(key), None) => file = key,
            (Some("verdict"), Some(verdict)) => verdicts.push((file, verdict == "ingested")),
            _ => {}
        }
    }
    verdicts
}

/// A folder of the collection beside the repository, and its verdicts. `None`, with a skip, without it.
fn shared(folder: &str) -> Option<(PathBuf, Vec<(String, bool)>)> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let corpus = corpus.join(folder);
    let Ok(table) = std::fs::read_to_string(corpus.join("verdicts.json")) else {
        skip("../shared/corpus does not exist beside this repository");
        return None;
    };
    let verdicts = verdicts(&table).into_iter();
    let verdicts: Vec<_> = verdicts.map(|(file, it)| (file.to_owned(), it)).collect();
    assert!(!verdicts.is_empty(), "the table could not be read");
    Some((corpus, verdicts))
}

/// The verdicts of this collection are those of a running Prometheus 3.5.3. It is not part of the repository.
#[test]
fn ingest_agrees_with_prometheus() {
    let Some((corpus, verdicts)) = shared("") else {
        return;
    };
    let mut wrong = Vec::new();
    for (file, ingested) in &verdicts {
        let body = std::fs::read(corpus.join(file)).unwrap();
        let rules = Rules {
            check: Check::Ingest,
            format: format(file),
            allow_empty: *ingested,
            final_newline: FinalNewline::MayBeMissing,
        };
        match check(&body, &rules) {
            Ok(_) if *ingested => {}
            Err(_) if !*ingested => {}
            Ok(_) => wrong.push(format!("{file}: accepted")),
            Err(fault) => wrong.push(format!("{file}: {fault}")),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Protobuf bodies with the verdicts of the same Prometheus, some of which killed it.
#[test]
fn ingest_agrees_with_prometheus_about_protobuf() {
    let Some((corpus, verdicts)) = shared("protobuf") else {
        return;
    };
    let mut wrong = Vec::new();
    for (file, ingested) in &verdicts {
        let body = std::fs::read(corpus.join(file)).unwrap();
        for format in [FormatChoice::Protobuf, FormatChoice::Auto] {
            let rules = Rules {
                format,
                ..Rules::default()
            };
            let found = check(&body, &rules);
            if found.is_ok() != *ingested {
                wrong.push(format!("{file}: {found:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
