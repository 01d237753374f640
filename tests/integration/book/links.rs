//! Every relative link leads to a file, and every fragment to a heading of it.

use super::{DOCUMENTS, pages, root, text};
use std::collections::BTreeSet;
use std::path::Path;

/// The targets of the links of a text, outside code blocks and code spans.
fn targets(text: &str) -> Vec<String> {
    let prose: String = text.split("```").step_by(2).collect();
    let prose: String = prose.split('`').step_by(2).collect();
    prose
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.to_owned())
        .collect()
}

/// The anchor that mdBook and GitHub give to a heading.
fn anchor(heading: &str) -> String {
    heading
        .trim()
        .chars()
        .filter_map(|c| match c {
            c if c.is_alphanumeric() || c == '_' || c == '-' => Some(c.to_ascii_lowercase()),
            ' ' => Some('-'),
            _ => None,
        })
        .collect()
}

fn anchors(text: &str) -> BTreeSet<String> {
    let prose: String = text.split("```").step_by(2).collect();
    prose
        .lines()
        .filter_map(|line| line.strip_prefix('#'))
        .map(|heading| anchor(heading.trim_start_matches('#')))
        .collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut documents = pages();
    documents.extend(DOCUMENTS.map(ToOwned::to_owned));
    documents.push("docs/src/SUMMARY.md".to_owned());
    let mut checked = 0;
    for document in &documents {
        for target in targets(&text(document)) {
            if target.starts_with("https://") || target.starts_with("http://") {
                continue;
            }
            let (path, fragment) = target.split_once('#').unwrap_or((&target, ""));
            let folder = Path::new(document).parent().unwrap();
            let file = match path {
                "" => document.clone(),
                path => folder.join(path).to_str().unwrap().to_owned(),
            };
            assert!(root(&file).exists(), "{document} links to {target}");
            if !fragment.is_empty() {
                let anchors = anchors(&text(&file));
                assert!(anchors.contains(fragment), "{document} links to {target}");
            }
            checked += 1;
        }
    }
    assert!(checked > 150, "only {checked} links were found");
}

/// mdBook copies nothing from outside `docs/src`, so such a link is dead in the built book.
#[test]
fn links_of_the_book_stay_in_the_book() {
    let book = root("docs/src").canonicalize().unwrap();
    for page in pages() {
        for target in targets(&text(&page)) {
            let path = target.split('#').next().unwrap();
            if !target.contains("://") && !path.is_empty() {
                let folder = root(&page).parent().unwrap().to_owned();
                let file = folder.join(path).canonicalize().unwrap();
                assert!(file.starts_with(&book), "{page} links to {target}");
            }
        }
    }
}

#[test]
fn every_page_is_in_the_table_of_contents_once() {
    let mut listed: Vec<String> = targets(&text("docs/src/SUMMARY.md"))
        .iter()
        .map(|page| format!("docs/src/{page}"))
        .collect();
    listed.sort();
    assert_eq!(listed, pages());
}

/// A page that holds only its title was begun and forgotten, or its text lies elsewhere.
#[test]
fn every_page_has_a_text() {
    for page in pages() {
        let text = text(&page);
        let lines = text.lines().filter(|line| !line.is_empty()).count();
        assert!(lines > 3, "{page} has only {lines} lines");
    }
}

#[test]
fn the_documents_at_the_top_are_the_usual_ones() {
    let entries = std::fs::read_dir(root("")).unwrap();
    let mut found: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".md"))
        .collect();
    found.sort();
    let usual: Vec<_> = DOCUMENTS
        .iter()
        .filter(|name| !name.contains('/'))
        .collect();
    assert_eq!(
        found,
        usual
            .into_iter()
            .map(|name| (*name).to_owned())
            .collect::<Vec<_>>()
    );
}
