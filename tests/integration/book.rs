//! The book in `docs/` and the README agree with the program.
//!
//! `links` follows every relative link; `blocks` parses or runs every code block; `keys`,
//! `command_line`, `reasons`, `metrics` and `endpoints` compare the reference pages with the code;
//! `messages` finds the messages that pages quote, `faults` the tests of the table of faults;
//! `diagram` redraws the picture.

mod blocks;
mod command_line;
mod diagram;
mod endpoints;
mod faults;
mod keys;
mod links;
mod messages;
mod metrics;
mod reasons;
mod table;

use std::path::{Path, PathBuf};

/// A file of the repository.
fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn text(path: &str) -> String {
    std::fs::read_to_string(root(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The pages of the book, as paths in the repository, without the table of contents.
fn pages() -> Vec<String> {
    let mut found = Vec::new();
    collect(&root("docs/src"), "docs/src", &mut found);
    found.retain(|page| page != "docs/src/SUMMARY.md");
    found.sort();
    assert!(found.len() > 30, "{found:?}");
    found
}

fn collect(folder: &Path, name: &str, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{name}/{}", entry.file_name().to_str().unwrap());
        if entry.path().is_dir() {
            collect(&entry.path(), &path, found);
        } else if path.ends_with(".md") {
            found.push(path);
        }
    }
}

/// The documents beside the book whose links and blocks are checked as well.
const DOCUMENTS: [&str; 6] = [
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "README.md",
    "SECURITY.md",
    "benches/README.md",
];

/// One fenced code block.
pub(crate) struct Block {
    /// The page, and the line of the opening fence.
    pub(crate) place: String,
    pub(crate) language: String,
    pub(crate) code: String,
    /// Whether `<!-- run -->` precedes it.
    pub(crate) run: bool,
}

/// The fenced code blocks of a document; a block in a list loses the list's indentation.
pub(crate) fn code_blocks(document: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<(usize, Block)> = None;
    let mut before = String::new();
    for (number, line) in text(document).lines().enumerate() {
        let indentation = line.len() - line.trim_start().len();
        let fence = line.trim_start().strip_prefix("```");
        match (&mut open, fence) {
            (None, Some(language)) => {
                let block = Block {
                    place: format!("{document}:{}", number + 1),
                    language: language.to_owned(),
                    code: String::new(),
                    run: before.trim() == "<!-- run -->",
                };
                open = Some((indentation, block));
            }
            (Some(_), Some(end)) => {
                assert_eq!(end, "", "{document}:{}", number + 1);
                blocks.extend(open.take().map(|(_, block)| block));
            }
            (Some((indentation, block)), None) => {
                block.code += line.get(*indentation..).unwrap_or_default();
                block.code += "\n";
            }
            (None, None) => {}
        }
        line.clone_into(&mut before);
    }
    assert!(open.is_none(), "{document} ends in a code block");
    blocks
}
