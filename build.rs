//! Tells the program what it was built with, for `--version` and `local_exporter_build_info`.
//!
//! The revision comes from the environment (`LOCAL_EXPORTER_REVISION`), since a
//! source archive has no history to ask.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=LOCAL_EXPORTER_REVISION");
    let revision = std::env::var("LOCAL_EXPORTER_REVISION");
    let revision = revision.unwrap_or_else(|_| "unknown".into());
    println!("cargo::rustc-env=LOCAL_EXPORTER_REVISION={revision}");

    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(compiler).arg("--version").output().ok();
    let version = version.and_then(|output| String::from_utf8(output.stdout).ok());
    let version = version.as_deref().and_then(|text| text.split(' ').nth(1));
    let version = version.unwrap_or("unknown");
    println!("cargo::rustc-env=LOCAL_EXPORTER_RUSTC={version}");
}
