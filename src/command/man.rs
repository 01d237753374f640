//! `local-exporter man`: generates the manual pages.
//!
//! The pages of commands come from the definition of the arguments and from [`sections`], the page
//! of the configuration from the reference of its keys ([`file_format`]).

mod file_format;
mod sections;

use super::exit::{complain, print};
use clap::Args;
use clap_mangen::Man as Page;
use clap_mangen::roff::{Roff, bold, roman};
use local_exporter_config::shown;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Args, Debug)]
pub(super) struct Man {
    /// The directory to which all pages are written: one per command, and local-exporter.toml(5).
    /// It is created if it does not exist. Without it, local-exporter(1) is printed.
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
        if let Err(error) = fs::create_dir_all(directory) {
            return failed(&format!("{}: {error}", shown(directory)));
        }
        let commands = command.get_subcommands().chain([&command]);
        let pages = commands.map(|command| {
            let name = Page::new(command.clone()).get_filename();
            (name, page(command))
        });
        let format = (file_format::FILE_NAME.to_owned(), file_format::page());
        for (name, page) in pages.chain([format]) {
            let path = directory.join(name);
            if let Err(error) = page.and_then(|page| fs::write(&path, page)) {
                return failed(&format!("{}: {error}", shown(&path)));
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
