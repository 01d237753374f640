//! `local-exporter check`: finds problems before deployment, with their remedies.
//!
//! Each selector is inspected on the host and really scraped, with the same actor and the same
//! validation as the server's, as this user and in this mount namespace.
//! `local_exporter_actors::diagnose` finds the problems; this module runs it with a timeout and prints
//! the results.

mod report;

use super::configuration::{Configuration, complain_about, load_to_serve, unknown};
use super::exit::{WRONG, complain, print};
use crate::http::access;
use clap::{Args, ValueEnum};
use futures_util::future::join3;
use futures_util::stream::{self, StreamExt};
use local_exporter_actors::diagnose::{self, Finding};
use local_exporter_actors::{
    Accepted, ActorThreads, GlobalLimit, ListFiles, Metrics, Registry, SelectorHandle,
};
use local_exporter_config::{Access, Flags, Layers, PathAccess, Selector, Settings, shown};
use report::{Report, Verdict};
use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// The most selectors that are checked concurrently: below the usual limit of open files, and enough to
/// check thousands in time although many of them hang.
const MAX_CONCURRENT: usize = 256;

/// The arguments of `check`.
#[derive(Args, Debug)]
pub(super) struct Check {
    /// The names of the selectors to check [default: all].
    #[arg(value_name = "SELECTOR")]
    selectors: Vec<String>,
    /// The output format.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    #[command(flatten)]
    configuration: Configuration,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Human,
    Json,
}

impl Check {
    pub(super) fn execute(&self) -> ExitCode {
        let layers = self.configuration.layers(Flags::default());
        let (selectors, secret_files) = match self.selected(&layers) {
            Ok(selected) => selected,
            Err(code) => return code,
        };
        let reports = match actix_rt::System::new().block_on(check(selectors, secret_files)) {
            Ok(reports) => reports,
            Err(error) => {
                complain(&error.to_string());
                return ExitCode::FAILURE;
            }
        };
        let text = match self.format {
            Format::Human if reports.is_empty() => no_selectors(&layers),
            Format::Human => reports.iter().map(ToString::to_string).collect(),
            Format::Json => report::json(&reports),
        };
        let ready = |report: &Report| report.verdict != Verdict::NotReady;
        match print(text.as_bytes()) {
            code if reports.iter().all(ready) => code,
            _ => ExitCode::FAILURE,
        }
    }

    /// The selectors to check, and the files with secrets. Errors have been printed.
    fn selected(&self, layers: &Layers) -> Result<(Vec<Selector>, ListFiles), ExitCode> {
        let loaded = load_to_serve(layers, &PathAccess::default())?;
        for warning in &loaded.warnings {
            complain(&format!("left out: {warning}"));
        }
        complain_about(&loaded.writable);
        let secret_files = access::secret_files(&loaded.settings);
        let Settings { mut selectors, .. } = loaded.settings;
        // Errors are shown in full to the user of this command, who can read the sources.
        for selector in &mut selectors {
            selector.access = Access::default();
        }
        if self.selectors.is_empty() {
            return Ok((selectors, secret_files));
        }
        let unknown_names = self.selectors.iter();
        let unknown_names =
            unknown_names.filter(|name| selectors.iter().all(|known| known.name != **name));
        let mut wrong = Ok(());
        for name in unknown_names {
            complain(&unknown(name, &selectors));
            wrong = Err(ExitCode::from(WRONG));
        }
        wrong?;
        selectors.retain(|selector| self.selectors.contains(&selector.name));
        Ok((selectors, secret_files))
    }
}

/// The output if no selector is configured, with the paths that were read.
fn no_selectors(layers: &Layers) -> String {
    let paths = layers.paths().map(|path| shown(path).to_string());
    let paths = paths.collect::<Vec<_>>().join(", ");
    format!("no selector is configured; looked in {paths}\n")
}

/// Checks all selectors; the reports are in their order.
async fn check(selectors: Vec<Selector>, secret_files: ListFiles) -> io::Result<Vec<Report>> {
    let threads = ActorThreads::start(GlobalLimit::unlimited())?;
    threads.secret_files().set(secret_files);
    let metrics = Metrics::register(&prometheus::Registry::new()).map_err(io::Error::other)?;
    let registry = Registry::start(selectors, &threads, &metrics);
    let handles: Vec<Arc<SelectorHandle>> = registry.iter().cloned().collect();
    let checks = stream::iter(handles).map(|handle| async move {
        // The selector's own timeout applies, and all names are accepted.
        let scrape = handle.scrape(Duration::MAX, Accepted::EVERYTHING);
        // The report about its files is ready shortly after the scrape.
        let known = timeout(handle.spec().limits.timeout, handle.ready());
        let (answer, findings, _) = join3(scrape, inspect(handle.spec()), known).await;
        Report::new(&handle, answer, findings)
    });
    Ok(checks.buffered(MAX_CONCURRENT).collect().await)
}

/// Inspects the host, with the timeout of the selector.
async fn inspect(selector: &Selector) -> Vec<Finding> {
    let (sender, findings) = oneshot::channel();
    let source = selector.source.clone();
    // A separate thread: a runtime waits for its thread pool when it ends, but a thread that a file
    // system blocks must not delay the end of the process.
    let thread = std::thread::Builder::new().spawn(move || {
        let _ = sender.send(diagnose::inspect(&source));
    });
    match (thread, timeout(selector.limits.timeout, findings).await) {
        (Ok(_), Ok(Ok(findings))) => findings,
        _ => vec![diagnose::timed_out()],
    }
}
