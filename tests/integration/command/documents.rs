//! Completions and manual pages contain every command, flag and key.

use super::run;
use clap::CommandFactory;
use local_exporter::Command;
use std::path::Path;

/// Every long flag of a command and its subcommands.
fn flags(command: &clap::Command) -> Vec<String> {
    let long = clap::Arg::get_long_and_visible_aliases;
    let own = command.get_arguments().filter_map(long).flatten();
    let below = command.get_subcommands().flat_map(flags);
    own.map(ToOwned::to_owned).chain(below).collect()
}

fn all_flags() -> Vec<String> {
    let flags = flags(&Command::command());
    assert!(flags.len() > 15, "{flags:?}");
    flags
}

#[test]
fn completions_contain_every_flag() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let (code, out, error) = run(&["completions", shell]);
        assert_eq!((code, error.as_str()), (Some(0), ""));
        for flag in all_flags() {
            assert!(
                out.contains(&flag),
                "{flag} is not in the script for {shell}"
            );
        }
        assert!(out.contains("local-exporter"));
    }
    let (code, _, error) = run(&["completions", "cmd"]);
    assert_eq!(code, Some(2));
    assert!(error.contains("invalid value 'cmd'"), "{error}");
}

#[test]
fn bash_accepts_its_completions() {
    let (_, script, _) = run(&["completions", "bash"]);
    let function = script.split("complete -F ").nth(1).unwrap();
    let function = function.split(' ').next().unwrap();
    let ask = format!(
        "COMP_WORDS=(local-exporter serve --web.l); COMP_CWORD=2; \
         {function} local-exporter --web.l serve; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    );
    let output = std::process::Command::new("bash")
        .args(["-c", &format!("{script}\n{ask}")])
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert_eq!(printed, "--web.listen-address\n", "{output:?}");
}

#[test]
fn manual_pages_contain_every_flag() {
    let folder = tempfile::tempdir().unwrap();
    // `man` creates the directory.
    let directory = folder.path().join("share/man");
    let directory = directory.to_str().unwrap();
    let (code, out, error) = run(&["man", directory]);
    assert_eq!((code, out.as_str(), error.as_str()), (Some(0), "", ""));
    let mut pages = String::new();
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        pages.push_str(&std::fs::read_to_string(&path).unwrap());
        names.push(path.file_name().unwrap().to_str().unwrap().to_owned());
    }
    names.sort();
    let page = |command: &clap::Command| format!("local-exporter-{}.1", command.get_name());
    let mut expected: Vec<_> = Command::command().get_subcommands().map(page).collect();
    expected.push("local-exporter.1".to_owned());
    expected.push("local-exporter.toml.5".to_owned());
    expected.sort();
    assert_eq!(names, expected);
    // roff escapes hyphens that users may copy.
    let plain = pages.replace("\\-", "-");
    for flag in all_flags() {
        assert!(plain.contains(&format!("--{flag}")), "{flag} is in no page");
    }
    let (code, page, _) = run(&["man"]);
    assert_eq!(code, Some(0));
    let whole = std::fs::read_to_string(Path::new(directory).join("local-exporter.1")).unwrap();
    assert_eq!(page, whole);
    assert!(page.contains(".TH local-exporter 1"), "{page}");
}

#[test]
fn a_manual_page_that_cannot_be_written_is_an_error() {
    let (code, _, error) = run(&["man", "/dev/null/man"]);
    assert_eq!(code, Some(1));
    assert!(error.starts_with("/dev/null/man: "), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("local-exporter-serve.1");
    std::fs::create_dir(&page).unwrap();
    let (code, _, error) = run(&["man", folder.path().to_str().unwrap()]);
    assert_eq!(code, Some(1));
    assert!(error.starts_with(page.to_str().unwrap()), "{error}");
}

#[test]
fn manual_pages_have_the_sections_of_man_pages_7() {
    let folder = tempfile::tempdir().unwrap();
    let (code, ..) = run(&["man", folder.path().to_str().unwrap()]);
    assert_eq!(code, Some(0));
    let sections = |name: &str| -> Vec<String> {
        let page = std::fs::read_to_string(folder.path().join(name)).unwrap();
        let headings = page.lines().filter_map(|line| line.strip_prefix(".SH "));
        headings
            .map(|name| name.trim_matches('"').to_owned())
            .collect()
    };
    let usual = ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS"];
    let configured = ["EXIT STATUS", "ENVIRONMENT", "FILES"];
    let whole: Vec<_> = usual
        .iter()
        .chain(&["SUBCOMMANDS"])
        .chain(&configured)
        .collect();
    assert!(sections("local-exporter.1").iter().eq(whole));
    for name in ["scrape", "check"] {
        let page = sections(&format!("local-exporter-{name}.1"));
        assert!(page.iter().eq(usual.iter().chain(&configured)), "{page:?}");
    }
    assert!(
        sections("local-exporter-lint.1")
            .iter()
            .eq(usual.iter().chain(&["EXIT STATUS"]))
    );
    let serve = std::fs::read_to_string(folder.path().join("local-exporter-serve.1")).unwrap();
    for expected in [
        "NOTIFY_SOCKET",
        "LISTEN_FDS",
        "/etc/local\\-exporter/config.toml",
    ] {
        assert!(serve.contains(expected), "{expected} is not in {serve}");
    }
}

#[test]
fn the_manual_page_of_the_configuration_contains_every_key() {
    let folder = tempfile::tempdir().unwrap();
    let (code, ..) = run(&["man", folder.path().to_str().unwrap()]);
    assert_eq!(code, Some(0));
    let page = std::fs::read_to_string(folder.path().join("local-exporter.toml.5")).unwrap();
    let mut checked = 0;
    for table in local_exporter_config::reference() {
        for key in table.keys {
            let term = format!("\n\\fB{}\\fR\n", key.name);
            assert!(page.contains(&term), "{} is not in {page}", key.name);
            checked += 1;
        }
    }
    assert!(checked > 60, "only {checked} keys were found");
}
