//! The picture of the README is what its source draws.

use super::{root, text};
use std::process::Command;

#[test]
fn the_overview_is_drawn_by_its_script() {
    let output = Command::new("python3")
        .arg(root("docs/overview.py"))
        .output()
        .expect("python3 is missing");
    assert!(output.status.success(), "{output:?}");
    assert!(
        String::from_utf8_lossy(&output.stdout) == text("docs/src/overview.svg"),
        "docs/src/overview.svg is old: python3 docs/overview.py >docs/src/overview.svg"
    );
}
