//! `local-exporter man`: our manual pages.
//!
//! Made from the definition that the arguments are read by, so they cannot be behind it.

use super::{Command, complain, print};
use clap::{Args, CommandFactory};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Args, Debug)]
pub(super) struct Man {
    /// The directory to write a page for each command to; without one, the page of the whole
    /// is printed.
    #[arg(value_name = "DIRECTORY")]
    directory: Option<PathBuf>,
}

impl Man {
    pub(super) fn execute(&self) -> ExitCode {
        let command = Command::command();
        let Some(directory) = &self.directory else {
            let mut page = Vec::new();
            return match clap_mangen::Man::new(command).render(&mut page) {
                Ok(()) => print(&page),
                Err(error) => failed(&error.to_string()),
            };
        };
        match clap_mangen::generate_to(command, directory) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(&format!("{}: {error}", directory.display())),
        }
    }
}

fn failed(why: &str) -> ExitCode {
    complain(why);
    ExitCode::FAILURE
}
