//! `ARCHITECTURE.md` agrees with the tree: the paths it names exist, and dependencies have the
//! directions that it draws.

mod import_cycles;
mod imports;
mod layers;
mod single_places;

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// All texts in backticks, without code blocks.
fn names(text: &str) -> Vec<String> {
    let prose: String = text.split("```").step_by(2).collect();
    prose
        .split('`')
        .skip(1)
        .step_by(2)
        .map(ToOwned::to_owned)
        .collect()
}

/// The pages of the book.
fn pages() -> impl Iterator<Item = String> {
    let summary = text("docs/src/SUMMARY.md");
    let links: Vec<String> = summary
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(page, _)| format!("docs/src/{page}"))
        .collect();
    links.into_iter()
}

#[test]
fn every_path_in_the_documents_exists() {
    let mut documents = vec![
        ("ARCHITECTURE.md".to_owned(), 100),
        ("CONTRIBUTING.md".to_owned(), 20),
        ("README.md".to_owned(), 4),
        ("SECURITY.md".to_owned(), 0),
        ("docs/src/faults.md".to_owned(), 4),
        ("benches/README.md".to_owned(), 1),
    ];
    documents.extend(pages().map(|page| (page, 0)));
    for (document, least) in documents {
        let mut checked = 0;
        for name in names(&text(&document)) {
            let inside = [
                "src/",
                "actors/",
                "config/",
                "benches/",
                "tests/",
                "deploy/",
                ".ci/",
                "examples/",
                "docs/",
            ];
            let is_path = inside.iter().any(|folder| name.starts_with(folder))
                || (name.ends_with(".rs") || name.ends_with(".toml"))
                    && !name.contains(' ')
                    && !name.starts_with('/');
            // A placeholder such as `actors/src/source/NAME.rs` is not a path.
            let placeholder = name.contains("NAME") || name.contains('*');
            if is_path && !placeholder {
                assert!(
                    root().join(&name).exists(),
                    "{document} names {name}, which is not there"
                );
                checked += 1;
            }
        }
        assert!(checked >= least, "{document} names only {checked} paths");
    }
}

#[test]
fn every_source_file_is_on_the_map() {
    let map = text("ARCHITECTURE.md");
    for folder in ["src", "actors/src", "actors/exposition/src", "config/src"] {
        for file in sources(&root().join(folder)) {
            let path = file
                .strip_prefix(root())
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            let beside_its_subject = path.ends_with("tests.rs")
                || path.ends_with("_test.rs")
                || path.contains("/tests/");
            if !beside_its_subject {
                assert!(
                    map.contains(&format!("`{path}`")),
                    "{path} is not in ARCHITECTURE.md"
                );
            }
        }
    }
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

#[test]
fn every_dependency_has_its_reason() {
    let map = text("docs/src/development/dependencies.md");
    let manifest = text("Cargo.toml");
    let table = manifest.split("[workspace.dependencies]").nth(1).unwrap();
    let table = table.split("\n[").next().unwrap();
    let mut checked = 0;
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        if let Some((name, _)) = line.split_once(" = ") {
            assert!(
                map.contains(&format!("`{name}`")),
                "{name} is not in docs/src/development/dependencies.md"
            );
            checked += 1;
        }
    }
    assert!(checked > 20, "only {checked} dependencies were found");
}

#[test]
fn dependencies_point_one_way() {
    let tree_with = |package: &str, more: &[&str]| {
        let output = Command::new(env!("CARGO"))
            .args([
                "tree",
                "--offline",
                "--edges",
                "normal",
                "--prefix",
                "none",
                "--package",
                package,
            ])
            .args(more)
            .current_dir(root())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    let tree = |package: &str| tree_with(package, &[]);
    let names = |tree: &str| -> Vec<String> {
        let name = |line: &str| line.split(' ').next().unwrap_or("").to_owned();
        tree.lines().map(name).collect()
    };
    let forbid = |package: &str, forbidden: &[&str]| {
        let found = names(&tree(package));
        for name in forbidden {
            assert!(
                !found.iter().any(|found| found == name),
                "{package} depends on {name}"
            );
        }
    };
    forbid(
        "local-exporter-config",
        &[
            "actix",
            "tokio",
            "zbus",
            "notify",
            "local-exporter-actors",
            "local-exporter-exposition",
            "local-exporter",
        ],
    );
    forbid("local-exporter-actors", &["actix-web", "local-exporter"]);
    let ours = [
        "local-exporter",
        "local-exporter-actors",
        "local-exporter-config",
        "local-exporter-exposition",
    ];
    forbid("local-exporter-daemons", &ours);
    // The exposition crate is for other projects too: it depends on few crates, and on none of ours.
    assert_eq!(
        names(&tree_with("local-exporter-exposition", &["--depth", "1"])),
        ["local-exporter-exposition", "hashbrown", "prost"]
    );
    forbid(
        "local-exporter-exposition",
        &[
            "local-exporter",
            "local-exporter-actors",
            "local-exporter-config",
            "tokio",
        ],
    );
}
