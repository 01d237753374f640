//! `docs/src/command-line.md` has every command, every flag and every exit status.

use super::table::{code, rows};
use clap::CommandFactory;
use local_exporter::Command;
use std::collections::BTreeSet;

const PAGE: &str = "docs/src/command-line.md";

fn command(name: &str) -> clap::Command {
    let all = Command::command();
    let found = all
        .get_subcommands()
        .find(|command| command.get_name() == name);
    found.unwrap_or_else(|| panic!("{name}")).clone()
}

/// The long flags of a command, with their aliases.
fn flags(command: &clap::Command) -> BTreeSet<String> {
    let long = clap::Arg::get_long_and_visible_aliases;
    let names = command.get_arguments().filter_map(long).flatten();
    names.map(|name| format!("--{name}")).collect()
}

/// The long flags in the first cells of the table below a heading.
fn documented(heading: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for row in rows(PAGE, heading) {
        for flag in row[0].split('`').skip(1).step_by(2) {
            let name = flag.split(['=', ' ']).next().unwrap();
            if name.starts_with("--") {
                assert!(
                    found.insert(name.to_owned()),
                    "{name} twice below {heading}"
                );
            }
        }
    }
    found
}

#[test]
fn every_command_has_a_row() {
    let documented: BTreeSet<String> = rows(PAGE, "# Command line")
        .iter()
        .map(|row| code(&row[0]).split(' ').nth(1).unwrap().to_owned())
        .collect();
    let all = Command::command();
    let commands = all
        .get_subcommands()
        .map(|command| command.get_name().to_owned());
    assert_eq!(documented, commands.collect());
}

#[test]
fn every_flag_is_in_the_table_of_the_commands_that_have_it() {
    let mut global = documented("## Flags of all commands");
    let shared = documented("## Flags of `serve`, `scrape` and `check`");
    let mut serve = documented("## Flags of `serve`");
    serve.insert("--config.check".to_owned());
    // These two are added by clap when a command is built.
    assert!(global.remove("--help") && global.remove("--version"));
    let union = |sets: &[&BTreeSet<String>]| -> BTreeSet<String> {
        sets.iter().flat_map(|set| set.iter().cloned()).collect()
    };
    let global_flags = flags(&Command::command());
    assert_eq!(global, global_flags);
    assert_eq!(flags(&command("serve")), union(&[&shared, &serve]));
    assert_eq!(flags(&command("scrape")), shared);
    let own = |flags: &[&str]| flags.iter().map(|flag| (*flag).to_owned()).collect();
    assert_eq!(
        flags(&command("check")),
        union(&[&shared, &own(&["--format", "--strict"])])
    );
    assert_eq!(
        flags(&command("sd")),
        union(&[&shared, &own(&["--targets", "--scheme", "--unix-socket"])])
    );
    assert_eq!(flags(&command("lint")), own(&["--check", "--format"]));
    let text = super::text(PAGE);
    for expected in [
        "`--config.check` loads",
        "`--format=human|json`",
        "`--strict`",
        "`--check=strict|ingest|whole`",
    ] {
        assert!(text.contains(expected), "{expected}");
    }
}
