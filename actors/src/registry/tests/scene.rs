//! A registry of twenty selectors with real sources, in which faults can be injected.

use crate::admission::GlobalLimit;
use crate::backoff::Backoff;
use crate::faults::{Fault, FaultPoint};
use crate::metrics::Metrics;
use crate::reason::Reason;
use crate::registry::{ActorThreads, Registry, SelectorHandle};
use crate::scrape::Accepted;
use local_exporter_config::{Environment, Input, load};
use local_exporter_daemons::promsock::PromSock;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::Instant;

pub(super) const SELECTORS: usize = 20;
/// How long a condition is awaited before the test fails.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Ten sockets and ten files. One of the sockets returns a body that is validated on the
/// blocking pool.
pub(super) struct Scene {
    pub(super) registry: Arc<Registry>,
    pub(super) threads: ActorThreads,
    pub(super) metrics: Metrics,
    pub(super) prometheus_registry: prometheus::Registry,
    pub(super) folder: TempDir,
    _daemons: [PromSock; 2],
}

/// The source of a selector.
#[derive(Clone, Copy)]
pub(super) enum SourceOf {
    Socket,
    LargeSocket,
    File,
}

impl SourceOf {
    /// The source of the selector with this number.
    pub(super) fn of(number: usize) -> Self {
        match number {
            2 => Self::LargeSocket,
            _ if number.is_multiple_of(2) => Self::Socket,
            _ => Self::File,
        }
    }

    /// The points at which its actor can panic.
    pub(super) fn panics(self) -> &'static [FaultPoint] {
        use FaultPoint::{Background, Handler, Pull, Read, Restarting, Started, Validate};
        match self {
            Self::Socket => &[Handler, Pull, Started, Restarting],
            Self::LargeSocket => &[Validate, Handler, Pull, Started, Restarting],
            Self::File => &[Handler, Background, Started, Restarting, Read],
        }
    }

    /// The points at which its actor can stop.
    pub(super) fn stops(self) -> &'static [FaultPoint] {
        use FaultPoint::{Background, Handler, Restarting, Started};
        match self {
            Self::Socket | Self::LargeSocket => &[Handler, Started, Restarting],
            Self::File => &[Handler, Background, Started, Restarting],
        }
    }
}

fn scene(global_limit: GlobalLimit) -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let path = |name| folder.path().join(name);
    let (socket, large, file) = (path("sock"), path("large"), path("m.prom"));
    let body = b"a 1\n".to_vec();
    let daemons = [
        PromSock::bind(&socket, move || body.clone()).unwrap(),
        PromSock::bind(&large, || b"a 1\n".repeat(70_000)).unwrap(),
    ];
    std::fs::write(&file, "a 1\n").unwrap();
    let mut text = "[bridge.selectors]\n".to_owned();
    for number in 0..SELECTORS {
        let (kind, path) = match SourceOf::of(number) {
            SourceOf::Socket => ("uds", &socket),
            SourceOf::LargeSocket => ("uds", &large),
            SourceOf::File => ("file", &file),
        };
        writeln!(text, "s{number} = {{ kind = \"{kind}\", path = {path:?} }}").unwrap();
    }
    let input = Input {
        name: "test".into(),
        text,
    };
    let settings = load(Some(&input), &Environment::new()).unwrap();
    let prometheus_registry = prometheus::Registry::new();
    let metrics = Metrics::register(&prometheus_registry).unwrap();
    let mut threads = ActorThreads::start(global_limit).unwrap();
    // A thousand restarts with delays of up to 30 s would take too long.
    let (first, longest) = (Duration::from_millis(1), Duration::from_millis(4));
    threads.backoff = Backoff::new(first, longest, Duration::from_secs(60));
    Scene {
        registry: Arc::new(Registry::start(settings.selectors, &threads, &metrics)),
        threads,
        metrics,
        prometheus_registry,
        folder,
        _daemons: daemons,
    }
}

impl Scene {
    /// A scene in which all selectors can be scraped.
    pub(super) async fn ready() -> Self {
        Self::with_limit(GlobalLimit::unlimited()).await
    }

    /// The same with a global limit on scrapes.
    pub(super) async fn with_limit(global_limit: GlobalLimit) -> Self {
        let scene = scene(global_limit);
        scene.all_succeed().await;
        scene
    }

    /// Waits until every selector can be scraped.
    pub(super) async fn all_succeed(&self) {
        let end = Instant::now() + PATIENCE;
        for handle in self.registry.iter() {
            while let Err(reason) = scrape(handle).await {
                let name = &handle.spec().name;
                assert!(Instant::now() < end, "{name}: {reason}");
            }
        }
    }
}

pub(super) async fn scrape(handle: &SelectorHandle) -> Result<(), Reason> {
    scrape_within(handle, Duration::MAX).await
}

pub(super) async fn scrape_within(handle: &SelectorHandle, within: Duration) -> Result<(), Reason> {
    let result = handle.scrape(within, Accepted::EVERYTHING).await;
    result.map(drop).map_err(|error| error.reason)
}

/// Schedules a fault, and a panic if the actor reaches the fault point only after a restart.
/// Returns the number of restarts this causes if the actor does not get stuck.
pub(super) fn schedule(handle: &SelectorHandle, fault: Fault, point: FaultPoint) -> u64 {
    handle.faults.schedule(fault, point);
    match point {
        FaultPoint::Handler | FaultPoint::Pull | FaultPoint::Background | FaultPoint::Validate => 1,
        // Reached after another failure: files are read when the actor starts.
        FaultPoint::Started | FaultPoint::Restarting | FaultPoint::Read => {
            handle.faults.schedule(Fault::Panic, FaultPoint::Handler);
            2
        }
    }
}
