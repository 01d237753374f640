//! Inside each crate, imports point from one layer to those below it, as `ARCHITECTURE.md` draws them.
//!
//! A layer is a line of the block below a heading; a module is a file or a folder at the top of a
//! folder. Modules of one line do not import each other.

use super::imports::Imports;
use super::{root, text};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The root of a crate, a folder in it, and the heading of its layers.
const FOLDERS: [(&str, &str, &str); 5] = [
    ("config/src", "config/src", "### `config/`"),
    (
        "actors/exposition/src",
        "actors/exposition/src",
        "### `actors/exposition/`",
    ),
    ("actors/src", "actors/src", "### `actors/`"),
    ("src", "src", "### `src/`"),
    ("src", "src/http", "`src/http/`: HTTP"),
];

/// The modules of a folder with the line of the drawing each is in, counted from the top.
fn drawn(heading: &str) -> BTreeMap<String, usize> {
    let map = text("ARCHITECTURE.md");
    let (_, section) = map.split_once(heading).unwrap();
    let section = section.split("\n### ").next().unwrap();
    let (_, block) = section
        .split_once("```layers\n")
        .unwrap_or_else(|| panic!("{heading} has no layers"));
    let (block, _) = block.split_once("```").unwrap();
    let mut found = BTreeMap::new();
    for (layer, line) in block.lines().enumerate() {
        for module in line.split_whitespace() {
            let before = found.insert(module.to_owned(), layer);
            assert_eq!(before, None, "{module} is drawn twice below {heading}");
        }
    }
    found
}

/// The top-level module that a file is in.
fn module(folder: &Path, file: &Path) -> String {
    let path = file.strip_prefix(folder).unwrap();
    let first = path.components().next().unwrap().as_os_str();
    first.to_str().unwrap().trim_end_matches(".rs").to_owned()
}

/// The imports between the modules of a folder. The roots of the crate, which import all, are left out.
fn edges(crate_root: &str, folder: &str) -> BTreeMap<String, BTreeSet<String>> {
    let folder = root().join(folder);
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (file, others) in &Imports::of_crate(&root().join(crate_root)).0 {
        if !file.starts_with(&folder) {
            continue;
        }
        let from = module(&folder, file);
        if from == "lib" || from == "main" {
            continue;
        }
        let others = others.iter().filter(|other| other.starts_with(&folder));
        let others = others.map(|other| module(&folder, other));
        let others = others.filter(|other| *other != from && other != "lib");
        found.entry(from.clone()).or_default().extend(others);
    }
    found
}

#[test]
fn imports_point_down_the_layers_that_are_drawn() {
    let mut wrong = String::new();
    for (crate_root, folder, heading) in FOLDERS {
        let drawn = drawn(heading);
        let edges = edges(crate_root, folder);
        let modules: BTreeSet<&String> = edges.keys().collect();
        let missing: Vec<_> = modules
            .iter()
            .filter(|name| !drawn.contains_key(**name))
            .collect();
        let extra: Vec<_> = drawn
            .keys()
            .filter(|name| !modules.contains(name))
            .collect();
        if !missing.is_empty() || !extra.is_empty() {
            wrong += &format!("{heading}: not drawn: {missing:?}; drawn, but absent: {extra:?}\n");
        }
        for (from, others) in &edges {
            for to in others {
                if let (Some(above), Some(below)) = (drawn.get(from), drawn.get(to))
                    && above >= below
                {
                    wrong += &format!("{heading}: {from} imports {to}, which is not below it\n");
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// Prints the layers as the imports have them: `cargo test --test integration layers -- --ignored --nocapture`.
#[test]
#[ignore = "prints the drawing to copy"]
fn print_the_layers() {
    for (crate_root, folder, heading) in FOLDERS {
        let mut left = edges(crate_root, folder);
        let mut layers: Vec<Vec<String>> = Vec::new();
        while !left.is_empty() {
            let free = |(_, others): &(&String, &BTreeSet<String>)| {
                !others.iter().any(|other| left.contains_key(other))
            };
            let bottom: Vec<String> = left
                .iter()
                .filter(free)
                .map(|(name, _)| name.clone())
                .collect();
            assert!(!bottom.is_empty(), "{heading}: a cycle of {left:?}");
            left.retain(|name, _| !bottom.contains(name));
            layers.push(bottom);
        }
        println!("{heading}");
        for layer in layers.iter().rev() {
            println!("{}", layer.join("  "));
        }
    }
}
