//! `local-exporter man`: our manual pages.
//!
//! Made from the definition that the arguments are read by, so they cannot be behind it; what
//! that does not say is in [`sections`].

mod sections;

use super::exit::{complain, print};
use clap::Args;
use clap_mangen::Man as Page;
use clap_mangen::roff::{Roff, bold, roman};
use std::fs;
use std::io;
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
    /// Writes the pages of `definition`, the definition of the arguments.
    pub(super) fn execute(&self, definition: clap::Command) -> ExitCode {
        let mut command = definition.disable_help_subcommand(true);
        command.build();
        let Some(directory) = &self.directory else {
            return match page(&command) {
                Ok(page) => print(&page),
                Err(error) => failed(&error.to_string()),
            };
        };
        let below = command.get_subcommands();
        for command in below.chain([&command]) {
            let place = directory.join(Page::new(command.clone()).get_filename());
            let written = page(command).and_then(|page| fs::write(&place, page));
            if let Err(error) = written {
                return failed(&format!("{}: {error}", place.display()));
            }
        }
        ExitCode::SUCCESS
    }
}

/// The page of a command, in the order of man-pages(7).
fn page(command: &clap::Command) -> io::Result<Vec<u8>> {
    let source = concat!("local-exporter ", env!("CARGO_PKG_VERSION"));
    let page = Page::new(command.clone()).source(source);
    let mut written = Vec::new();
    page.render_title(&mut written)?;
    page.render_name_section(&mut written)?;
    page.render_synopsis_section(&mut written)?;
    page.render_description_section(&mut written)?;
    page.render_options_section(&mut written)?;
    if command.has_subcommands() {
        page.render_subcommands_section(&mut written)?;
    }
    for section in sections::of(command.get_name()) {
        let mut roff = Roff::new();
        roff.control("SH", [section.name]);
        for (term, text) in section.entries {
            roff.control("TP", []);
            roff.text([bold(term)]);
            roff.text([roman(text)]);
        }
        roff.to_writer(&mut written)?;
    }
    Ok(written)
}

fn failed(why: &str) -> ExitCode {
    complain(why);
    ExitCode::FAILURE
}
