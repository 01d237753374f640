//! The limits on clients, and the reasons for rejecting a request: closed sets, since they are
//! values of metric labels.

/// A limit on clients. Those that are settings have their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    /// All connections were in use: an idle one was closed, or a reserved one was used.
    MaxConnections,
    /// The reserved connections were in use too: a new connection was closed immediately. Or a
    /// reserved one was in use for too long.
    Reserve,
    /// Too many scrapes at the same time.
    MaxInFlight,
    /// Too many bytes of bodies that clients have not read: one that had stopped reading was
    /// disconnected, or a response was refused.
    MaxUnread,
    /// The head of a request took too long.
    HeaderTimeout,
    /// The head of a request was too large.
    HeaderSize,
    /// A connection was open for too long without a request.
    IdleTimeout,
    /// A client did not read its response for too long.
    WriteTimeout,
    /// Too many concurrent requests on one connection.
    Streams,
    /// Too many empty frames in one request.
    EmptyFrames,
}

impl Limit {
    /// All of them.
    pub(crate) const ALL: [Self; 10] = [
        Self::MaxConnections,
        Self::Reserve,
        Self::MaxInFlight,
        Self::MaxUnread,
        Self::HeaderTimeout,
        Self::HeaderSize,
        Self::IdleTimeout,
        Self::WriteTimeout,
        Self::Streams,
        Self::EmptyFrames,
    ];

    /// The value of the label.
    #[must_use]
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::MaxConnections => "max_connections",
            Self::Reserve => "reserve",
            Self::MaxInFlight => "max_in_flight",
            Self::MaxUnread => "max_unread",
            Self::HeaderTimeout => "header_timeout",
            Self::HeaderSize => "header_size",
            Self::IdleTimeout => "idle_timeout",
            Self::WriteTimeout => "write_timeout",
            Self::Streams => "streams",
            Self::EmptyFrames => "empty_frames",
        }
    }
}

/// Why a request for `/bridge` was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// No parameter `selector`.
    MissingSelector,
    /// `selector=` with an empty value.
    EmptySelector,
    /// More than one parameter `selector`.
    RepeatedSelector,
    /// No such selector.
    UnknownSelector,
    /// The scrape-timeout header is not a number.
    BadDeadline,
    /// The request came on a reserved connection.
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

    /// The value of the label.
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
