//! Sets the revision and the compiler that `--version` and `local_exporter_build_info` show.
//!
//! `LOCAL_EXPORTER_REVISION` sets the revision, for builds without history. Otherwise it is the commit that is
//! checked out, with `-dirty` if tracked files differed from it when this script ran. The script runs again after a
//! commit or a checkout, but not after each edit. In a source archive the revision is `unknown`.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=LOCAL_EXPORTER_REVISION");
    println!("cargo::rerun-if-changed=build.rs");
    let revision = env::var("LOCAL_EXPORTER_REVISION")
        .ok()
        .or_else(checked_out);
    let revision = revision.unwrap_or_else(|| "unknown".into());
    println!("cargo::rustc-env=LOCAL_EXPORTER_REVISION={revision}");

    let compiler = env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let version = output(&compiler, &["--version"]);
    let version = version.as_deref().and_then(|text| text.split(' ').nth(1));
    let version = version.unwrap_or("unknown");
    println!("cargo::rustc-env=LOCAL_EXPORTER_RUSTC={version}");
}

/// The abbreviated commit of the clone that this package is the root of.
fn checked_out() -> Option<String> {
    // Not of a repository around it, into which an archive was unpacked. In a linked worktree `.git` is a file.
    let root = env::var("CARGO_MANIFEST_DIR").ok()?;
    if !Path::new(&root).join(".git").exists() {
        return None;
    }
    let commit = output("git", &["rev-parse", "--short=12", "HEAD"])?;
    // The first names the branch, the second has a line for each commit and checkout.
    for file in ["HEAD", "logs/HEAD"] {
        let path = output("git", &["rev-parse", "--git-path", file])?;
        // Cargo would run this script each time for a file that does not exist.
        if Path::new(&path).exists() {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    let changes = output(
        "git",
        &[
            "--no-optional-locks",
            "status",
            "--porcelain",
            "--untracked-files=no",
        ],
    )?;
    let mark = if changes.is_empty() { "" } else { "-dirty" };
    Some(commit + mark)
}

/// What a command prints, without the final newline, if it succeeds.
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim_end().to_owned())
}
