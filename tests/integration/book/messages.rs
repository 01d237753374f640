//! Messages that the book quotes are messages of the program.

use super::{root, text};
use std::path::Path;

/// A page, and a part of a message that it quotes.
const QUOTED: [(&str, &str); 10] = [
    ("docs/src/troubleshooting.md", "the limit of open files is "),
    ("docs/src/troubleshooting.md", "cannot listen on "),
    (
        "docs/src/troubleshooting.md",
        "was deleted; its mount still refers to the deleted ",
    ),
    ("docs/src/troubleshooting.md", "the line ends with CRLF"),
    ("docs/src/troubleshooting.md", "this daemon speaks HTTP"),
    ("docs/src/troubleshooting.md", " is not a metric type"),
    ("docs/src/containers.md", "the bus did not accept this user"),
    (
        "docs/src/containers.md",
        "the bus hung up during the handshake",
    ),
    ("docs/src/operations/check.md", ": it needs permission "),
    ("docs/src/operations/check.md", " is itself a mount point"),
];

fn code(folder: &Path, found: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            code(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            *found += &std::fs::read_to_string(&path).unwrap();
        }
    }
}

#[test]
fn quoted_messages_exist() {
    let mut all = String::new();
    for folder in ["src", "actors/src", "actors/exposition/src", "config/src"] {
        code(&root(folder), &mut all);
    }
    for (page, message) in QUOTED {
        assert!(
            text(page).contains(message),
            "{page} does not quote {message:?}"
        );
        assert!(
            all.contains(message),
            "{page} quotes {message:?}, which is no message"
        );
    }
}
