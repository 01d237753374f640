//! Every code block of the documents is parsed by what it is meant for, or run.

use super::{Block, DOCUMENTS, code_blocks, pages, root, text};
use crate::support::program;
use local_exporter_config::{Environment, Input, load};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// All blocks of the given languages.
fn blocks(languages: &[&str]) -> Vec<Block> {
    let mut documents = pages();
    documents.extend(DOCUMENTS.map(ToOwned::to_owned));
    let mut found: Vec<Block> = documents
        .iter()
        .flat_map(|name| code_blocks(name))
        .collect();
    found.retain(|block| languages.contains(&block.language.as_str()));
    assert!(!found.is_empty(), "{languages:?}");
    found
}

/// Gives a text to a program and expects success.
fn accepted(block: &Block, command: &mut Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}: {output:?}", block.place);
    output
}

#[test]
fn every_language_is_known() {
    let mut documents = pages();
    documents.extend(DOCUMENTS.map(ToOwned::to_owned));
    // `text` and `ini` are shown only: output, diagrams and parts of units. `layers` has a test of its own.
    let known = ["toml", "yaml", "sh", "python", "text", "ini", "layers"];
    for block in documents.iter().flat_map(|name| code_blocks(name)) {
        assert!(
            known.contains(&block.language.as_str()),
            "{}: {}",
            block.place,
            block.language
        );
    }
}

#[test]
fn every_toml_block_is_a_configuration() {
    for block in blocks(&["toml"]) {
        let input = Input {
            name: block.place.clone(),
            text: block.code,
        };
        load(Some(&input), &Environment::new()).unwrap_or_else(|errors| panic!("{errors}"));
    }
}

#[test]
fn every_yaml_block_is_accepted_by_its_reader() {
    for block in blocks(&["yaml"]) {
        let _: serde_json::Value = serde_saphyr::from_str(&block.code)
            .unwrap_or_else(|error| panic!("{}: {error}", block.place));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("block.yml");
        std::fs::write(&file, &block.code).unwrap();
        if block.code.contains("scrape_configs:") {
            accepted(
                &block,
                Command::new("promtool")
                    .args(["check", "config"])
                    .arg(&file),
                "",
            );
        } else if block.code.contains("groups:") {
            accepted(
                &block,
                Command::new("promtool").args(["check", "rules"]).arg(&file),
                "",
            );
        } else if ["tls_server_config:", "basic_auth_users:"]
            .iter()
            .any(|key| block.code.contains(key))
        {
            web_configuration(&block, &file);
        } else {
            panic!("{}: no program that reads this block is known", block.place);
        }
    }
}

/// Has the exporter check a web configuration, with certificates beside it.
fn web_configuration(block: &Block, file: &Path) {
    let folder = file.parent().unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned()];
    let parameters = rcgen::CertificateParams::new(names).unwrap();
    let certificate = parameters.self_signed(&key).unwrap().pem();
    for name in ["tls.crt", "ca.crt"] {
        std::fs::write(folder.join(name), &certificate).unwrap();
    }
    std::fs::write(folder.join("tls.key"), key.serialize_pem()).unwrap();
    let mut command = program();
    command.args([
        "serve",
        "--config.check",
        "--config=/dev/null",
        "--config.dropins=/dev/null",
    ]);
    command.arg(format!("--web.config.file={}", file.display()));
    accepted(block, &mut command, "");
}

#[test]
fn every_shell_block_parses_and_those_that_are_marked_run() {
    let mut run = 0;
    for block in blocks(&["sh"]) {
        accepted(&block, Command::new("bash").arg("-n"), &block.code);
        if block.run {
            let folder = tempfile::tempdir().unwrap();
            let binary = Path::new(program().get_program())
                .parent()
                .unwrap()
                .to_owned();
            let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
            let mut shell = Command::new("bash");
            shell.args(["-euo", "pipefail"]).env("PATH", path);
            accepted(&block, shell.current_dir(folder.path()), &block.code);
            run += 1;
        }
    }
    assert!(run >= 2, "only {run} blocks are marked by <!-- run -->");
}

#[test]
fn every_python_block_and_example_compiles() {
    let compiled = "import sys; compile(sys.stdin.read(), 'block', 'exec')";
    for block in blocks(&["python"]) {
        accepted(
            &block,
            Command::new("python3").args(["-c", compiled]),
            &block.code,
        );
    }
    assert!(root("examples/dbus_daemon.py").exists());
    let example = Block {
        place: "examples/dbus_daemon.py".to_owned(),
        language: "python".to_owned(),
        code: text("examples/dbus_daemon.py"),
        run: false,
    };
    accepted(
        &example,
        Command::new("python3").args(["-c", compiled]),
        &example.code,
    );
}
