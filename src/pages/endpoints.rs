//! The table of all endpoints, which the router, the landing page and the tests of the
//! documentation use.

use local_exporter_config::Paths;
use std::borrow::Cow;

/// One endpoint.
#[derive(Clone, Copy, Debug)]
pub struct Endpoint {
    /// The page that handles it.
    pub page: Page,
    /// The path without the route prefix. The path of [`Page::Metrics`] is configurable.
    pub path: &'static str,
    /// The methods that it accepts.
    pub methods: Methods,
    /// What it returns, in one sentence.
    pub description: &'static str,
}

/// The pages: a closed set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "described by the table")]
pub enum Page {
    Bridge,
    ServiceDiscovery,
    Metrics,
    DebugActors,
    Config,
    Reload,
    Healthy,
    Ready,
    Landing,
}

/// The methods that an endpoint accepts. Others get 405.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Methods {
    /// GET and HEAD.
    Read,
    /// POST and PUT.
    Write,
}

/// All endpoints. If the configured path of the metrics equals the path of a later endpoint, that
/// one is not served.
pub const ENDPOINTS: [Endpoint; 9] = [
    Endpoint {
        page: Page::Bridge,
        path: "/bridge",
        methods: Methods::Read,
        description: "Scrapes the selector that the parameter `selector` names; with \
                      `debug=true`, explains the scrape.",
    },
    Endpoint {
        page: Page::ServiceDiscovery,
        path: "/sd",
        methods: Methods::Read,
        description: "Lists all selectors as targets for Prometheus' HTTP service discovery.",
    },
    Endpoint {
        page: Page::Metrics,
        path: "/metrics",
        methods: Methods::Read,
        description: "Returns the exporter's own metrics.",
    },
    Endpoint {
        page: Page::DebugActors,
        path: "/debug/actors",
        methods: Methods::Read,
        description: "Shows the state of every selector, as JSON.",
    },
    Endpoint {
        page: Page::Config,
        path: "/config",
        methods: Methods::Read,
        description: "Shows the running configuration with all defaults, as TOML.",
    },
    Endpoint {
        page: Page::Reload,
        path: "/-/reload",
        methods: Methods::Write,
        description: "Reloads the configuration, if `service.lifecycle` is enabled.",
    },
    Endpoint {
        page: Page::Healthy,
        path: "/-/healthy",
        methods: Methods::Read,
        description: "Returns 200 while the exporter serves requests.",
    },
    Endpoint {
        page: Page::Ready,
        path: "/-/ready",
        methods: Methods::Read,
        description: "Returns 200 once every selector has started, and 503 during startup and \
                      shutdown.",
    },
    Endpoint {
        page: Page::Landing,
        path: "/",
        methods: Methods::Read,
        description: "Shows the selectors and links to the other pages, as HTML.",
    },
];

impl Endpoint {
    /// The path below the route prefix, with the configured path of the metrics.
    pub(super) fn configured_path<'p>(&self, paths: &'p Paths) -> Cow<'p, str> {
        match self.page {
            Page::Metrics => paths.telemetry.as_str().into(),
            _ => self.path.into(),
        }
    }
}

impl Methods {
    /// Their names, as in the header `Allow`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "GET, HEAD",
            Self::Write => "POST, PUT",
        }
    }
}
