//! Every row of the table in `docs/src/faults.md` is a fault that a test tries.

use super::{root, text};
use std::path::Path;

fn code(folder: &Path, found: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            code(&path, found);
        } else {
            *found += &std::fs::read_to_string(&path).unwrap();
        }
    }
}

#[test]
fn every_fault_in_the_table_is_tried() {
    let mut tests = String::new();
    code(&root("tests/integration/faults"), &mut tests);
    let page = text("docs/src/faults.md");
    let (_, table) = page.split_once("| fault |").unwrap();
    let rows = table
        .lines()
        .skip(2)
        .map_while(|line| line.strip_prefix("| "));
    let names: Vec<&str> = rows.map(|row| row.split(" | ").next().unwrap()).collect();
    for name in &names {
        // These names are composed.
        let composed =
            name.starts_with("permission for a ") && name.ends_with(" removed by its ACL");
        let literal = tests.contains(&format!("\"{name}\""));
        assert!(composed || literal, "no test tries {name:?}");
    }
    assert!(
        page.contains(&format!("{} faults in the table.", names.len())),
        "{}",
        names.len()
    );
}
