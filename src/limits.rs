//! The limits that clients can meet, and the reasons for which a request is rejected.
//!
//! Both are closed sets: they are labels of metrics.

/// A limit on clients: a closed set. Those that are settings have their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    /// All connections were taken: an idle one gave way, or one in reserve was used.
    MaxConnections,
    /// Those in reserve were taken too: a connection was closed unheard.
    Reserve,
    /// A scrape too many.
    MaxInFlight,
    /// The head of a request took too long.
    HeaderTimeout,
    /// The head of a request was too large.
    HeaderSize,
    /// A connection was open for too long without a request.
    IdleTimeout,
    /// A client took nothing of its answer for too long.
    WriteTimeout,
    /// Too many requests at once on one connection.
    Streams,
}

impl Limit {
    /// All of them.
    pub(crate) const ALL: [Self; 8] = [
        Self::MaxConnections,
        Self::Reserve,
        Self::MaxInFlight,
        Self::HeaderTimeout,
        Self::HeaderSize,
        Self::IdleTimeout,
        Self::WriteTimeout,
        Self::Streams,
    ];

    /// The label.
    #[must_use]
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::MaxConnections => "max_connections",
            Self::Reserve => "reserve",
            Self::MaxInFlight => "max_in_flight",
            Self::HeaderTimeout => "header_timeout",
            Self::HeaderSize => "header_size",
            Self::IdleTimeout => "idle_timeout",
            Self::WriteTimeout => "write_timeout",
            Self::Streams => "streams",
        }
    }
}

/// Why a request for the bridge could not become a scrape: a closed set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// No `selector` in the query.
    MissingSelector,
    /// `selector=` and nothing behind it.
    EmptySelector,
    /// More than one `selector`.
    RepeatedSelector,
    /// No such selector.
    UnknownSelector,
    /// A scrape-timeout header that is no number.
    BadDeadline,
    /// It came on a connection in reserve.
    NoConnection,
}

impl Rejection {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::MissingSelector,
        Self::EmptySelector,
        Self::RepeatedSelector,
        Self::UnknownSelector,
        Self::BadDeadline,
        Self::NoConnection,
    ];

    /// The label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MissingSelector => "missing_selector",
            Self::EmptySelector => "empty_selector",
            Self::RepeatedSelector => "repeated_selector",
            Self::UnknownSelector => "unknown_selector",
            Self::BadDeadline => "bad_deadline",
            Self::NoConnection => "no_connection",
        }
    }
}
