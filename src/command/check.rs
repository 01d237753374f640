//! `local-exporter check`: finds problems before deployment, with their remedies.
//!
//! Each selector is inspected on the host and really scraped, with the same actor and the same
//! validation as the server's, as this user and in this mount namespace.
//! `local_exporter_actors::diagnose` finds the problems; this module runs it with a timeout and prints
//! the results.

mod report;

use super::configuration::{Configuration, complain_about, load_to_serve, looked_in, unknown};
use super::exit::{WRONG, complain, print};
use crate::http::access;
use clap::{Args, ValueEnum};
use futures_util::future::join3;
use futures_util::stream::{self, StreamExt};
use local_exporter_actors::diagnose::{self, Finding};
use local_exporter_actors::{
    Accepted, ActorThreads, GlobalLimit, ListFiles, Metrics, Registry, SelectorHandle,
};
use local_exporter_config::{Access, Flags, Layers, PathAccess, Selector, Settings};
use report::{Report, Verdict};
use rustix::process::geteuid;
use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// The most selectors that are checked concurrently: below the usual limit of open files, and enough to
/// check thousands in time although many of them hang.
const MAX_CONCURRENT: usize = 256;

/// The warning if permissions cannot be checked. It does not make `--strict` fail: the selectors may be
/// in order.
const AS_ROOT: &str = "warning: checked as root, whom permissions do not restrict; run check as the \
                       user of the exporter, for example with systemd-run -p User=local-exporter";

/// The arguments of `check`.
#[derive(Args, Debug)]
pub(super) struct Check {
    /// The names of the selectors to check [default: all].
    #[arg(value_name = "SELECTOR")]
    selectors: Vec<String>,
    /// The output format.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Fail on warnings too, including drop-ins that are left out.
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    configuration: Configuration,
}

/// What is checked.
struct Selected {
    selectors: Vec<Selector>,
    /// The files with secrets.
    secret_files: ListFiles,
    /// The number of warnings about the configuration.
    warnings: usize,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Human,
    Json,
}

impl Check {
    pub(super) fn execute(&self) -> ExitCode {
        let layers = self.configuration.layers(Flags::default());
        let Selected {
            selectors,
            secret_files,
            warnings,
        } = match self.selected(&layers) {
            Ok(selected) => selected,
            Err(code) => return code,
        };
        if !selectors.is_empty() && geteuid().is_root() {
            complain(AS_ROOT);
        }
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
        let passes = |report: &Report| match report.verdict {
            Verdict::Ok => true,
            Verdict::Warning => !self.strict,
            Verdict::NotReady => false,
        };
        let configured = !self.strict || warnings == 0;
        match print(text.as_bytes()) {
            code if configured && reports.iter().all(passes) => code,
            _ => ExitCode::FAILURE,
        }
    }

    /// The selectors to check. Errors and warnings have been printed.
    fn selected(&self, layers: &Layers) -> Result<Selected, ExitCode> {
        let loaded = load_to_serve(layers, &PathAccess::default())?;
        for warning in &loaded.warnings {
            complain(&format!("left out: {warning}"));
        }
        complain_about(&loaded.writable);
        let warnings = loaded.warnings.len() + loaded.writable.len();
        let secret_files = access::secret_files(&loaded.settings);
        let Settings { mut selectors, .. } = loaded.settings;
        // Errors are shown in full to the user of this command, who can read the sources.
        for selector in &mut selectors {
            selector.access = Access::default();
        }
        let unknown_names = self.selectors.iter();
        let unknown_names =
            unknown_names.filter(|name| selectors.iter().all(|known| known.name != **name));
        let mut wrong = Ok(());
        for name in unknown_names {
            complain(&unknown(name, &selectors, layers));
            wrong = Err(ExitCode::from(WRONG));
        }
        wrong?;
        if !self.selectors.is_empty() {
            selectors.retain(|selector| self.selectors.contains(&selector.name));
        }
        Ok(Selected {
            selectors,
            secret_files,
            warnings,
        })
    }
}

/// The output if no selector is configured, with the paths that were read.
fn no_selectors(layers: &Layers) -> String {
    format!("no selector is configured; {}\n", looked_in(layers))
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
