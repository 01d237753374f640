//! `local-exporter check`: what is wrong before it is deployed, and what to change.
//!
//! Each selector is looked at on the host and really scraped, through the same actor and the same
//! gate as the server's, as this uid and in this mount namespace. What is found is known to
//! `local_exporter_actors::diagnose`; here it is asked for, bounded in time, and printed.

mod report;

use super::configuration::{Configuration, load_to_serve, unknown};
use super::exit::{WRONG, complain, print};
use clap::{Args, ValueEnum};
use futures_util::future::join3;
use futures_util::stream::{self, StreamExt};
use local_exporter_actors::diagnose::{self, Finding};
use local_exporter_actors::{ActorThreads, GlobalLimit, Metrics, Names, Registry, SelectorHandle};
use local_exporter_config::{Flags, Layers, Selector, Settings};
use report::{Report, Verdict};
use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// The most selectors that are checked at once: below the usual limit of open files, and enough
/// for thousands to end in time although many of them hang.
const AT_ONCE: usize = 256;

/// The arguments of `check`.
#[derive(Args, Debug)]
pub(super) struct Check {
    /// The selectors to check, by name; without any, all.
    #[arg(value_name = "SELECTOR")]
    selectors: Vec<String>,
    /// How the findings are printed.
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
        let selectors = match self.chosen(&layers) {
            Ok(selectors) => selectors,
            Err(code) => return code,
        };
        let reports = match actix_rt::System::new().block_on(check(selectors)) {
            Ok(reports) => reports,
            Err(error) => {
                complain(&error.to_string());
                return ExitCode::FAILURE;
            }
        };
        let text = match self.format {
            Format::Human if reports.is_empty() => nothing(&layers),
            Format::Human => reports.iter().map(ToString::to_string).collect(),
            Format::Json => report::json(&reports),
        };
        let ready = |report: &Report| report.verdict != Verdict::NotReady;
        match print(text.as_bytes()) {
            code if reports.iter().all(ready) => code,
            _ => ExitCode::FAILURE,
        }
    }

    /// The selectors that were asked for; where there are errors, they have been printed.
    fn chosen(&self, layers: &Layers) -> Result<Vec<Selector>, ExitCode> {
        let loaded = load_to_serve(layers)?;
        for warning in &loaded.warnings {
            complain(&format!("left out: {warning}"));
        }
        let Settings { mut selectors, .. } = loaded.settings;
        if self.selectors.is_empty() {
            return Ok(selectors);
        }
        let strangers = self.selectors.iter();
        let strangers = strangers.filter(|name| selectors.iter().all(|known| known.name != **name));
        let mut wrong = Ok(());
        for name in strangers {
            complain(&unknown(name, &selectors));
            wrong = Err(ExitCode::from(WRONG));
        }
        wrong?;
        selectors.retain(|selector| self.selectors.contains(&selector.name));
        Ok(selectors)
    }
}

/// What is said where there is nothing to check, which may not be what was meant.
fn nothing(layers: &Layers) -> String {
    let places = layers.paths().map(|place| place.display().to_string());
    let places = places.collect::<Vec<_>>().join(", ");
    format!("no selector is configured; looked in {places}\n")
}

/// Checks all of them, and returns what was found in their order.
async fn check(selectors: Vec<Selector>) -> io::Result<Vec<Report>> {
    let threads = ActorThreads::start(GlobalLimit::unlimited())?;
    let metrics = Metrics::register(&prometheus::Registry::new()).map_err(io::Error::other)?;
    let registry = Registry::start(selectors, &threads, &metrics);
    let handles: Vec<Arc<SelectorHandle>> = registry.iter().cloned().collect();
    let checks = stream::iter(handles).map(|handle| async move {
        // The selector's own timeout is the bound, and a terminal reads any name.
        let scrape = handle.scrape(Duration::MAX, Names::Utf8);
        // What is known of its files is known a moment after their answer.
        let known = timeout(handle.spec().limits.timeout, handle.ready());
        let (answer, findings, _) = join3(scrape, inspect(handle.spec()), known).await;
        Report::new(&handle, answer, findings)
    });
    Ok(checks.buffered(AT_ONCE).collect().await)
}

/// Looks at the host, for no longer than a scrape may take.
async fn inspect(selector: &Selector) -> Vec<Finding> {
    let (tell, told) = oneshot::channel();
    let source = selector.source.clone();
    // A thread of its own, since a runtime does not end before those of its pool: one that a file
    // system holds is left behind, and ends with the process.
    let thread = std::thread::Builder::new().spawn(move || {
        let _ = tell.send(diagnose::inspect(&source));
    });
    match (thread, timeout(selector.limits.timeout, told).await) {
        (Ok(_), Ok(Ok(findings))) => findings,
        _ => vec![diagnose::timed_out()],
    }
}
