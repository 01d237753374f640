//! `local-exporter scrape`: one scrape with the same actor and the same validation as the server's.

use super::configuration::{Configuration, load, unknown};
use super::exit::{WRONG, complain};
use crate::http::access;
use clap::Args;
use local_exporter_actors::{
    Accepted, ActorThreads, GlobalLimit, ListFiles, Metrics, Registry, ScrapeResult,
};
use local_exporter_config::{Flags, Selector};
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

#[derive(Args, Debug)]
pub(super) struct Scrape {
    /// The selector to scrape, by name.
    selector: String,
    #[command(flatten)]
    configuration: Configuration,
}

impl Scrape {
    pub(super) fn execute(&self) -> ExitCode {
        let layers = self.configuration.layers(Flags::default());
        let loaded = match load(&layers) {
            Ok(loaded) => loaded,
            Err(code) => return code,
        };
        for warning in &loaded.warnings {
            complain(&format!("left out: {warning}"));
        }
        let secret_files = access::secret_files(&loaded.settings);
        let mut selectors = loaded.settings.selectors;
        if selectors.iter().all(|known| known.name != self.selector) {
            complain(&unknown(&self.selector, &selectors, &layers));
            return ExitCode::from(WRONG);
        }
        selectors.retain(|selector| selector.name == self.selector);
        let result = actix_rt::System::new().block_on(scrape(selectors, secret_files));
        let written = result.map(|result| match result {
            Ok(exposition) => io::stdout().lock().write_all(&exposition.body),
            Err(error) => Err(io::Error::other(error)),
        });
        match written.flatten() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                complain(&format!("selector {:?}: {error}", self.selector));
                ExitCode::FAILURE
            }
        }
    }
}

async fn scrape(selectors: Vec<Selector>, secret_files: ListFiles) -> io::Result<ScrapeResult> {
    let threads = ActorThreads::start(GlobalLimit::unlimited())?;
    threads.secret_files().set(secret_files);
    let metrics = Metrics::register(&prometheus::Registry::new()).map_err(io::Error::other)?;
    let registry = Registry::start(selectors, &threads, &metrics);
    let handle = registry.iter().next().cloned();
    let handle = handle.ok_or_else(|| io::Error::other("no actor was started"))?;
    // The selector's own timeout applies, and all names are accepted.
    Ok(handle.scrape(Duration::MAX, Accepted::EVERYTHING).await)
}
