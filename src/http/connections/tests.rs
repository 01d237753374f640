//! Admission, timeouts and limits of connections, on a paused clock and in-memory streams.

mod admission_test;
mod multiplexed_test;
mod pipelining_test;
mod timeouts_test;
mod unread_test;

use super::admission::{Admission, Connections};
use super::stream::LimitedStream;
use crate::limits::Limit;
use crate::metrics::ConnectionMetrics;
use local_exporter_config::ClientLimits;
use prometheus::Registry;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, DuplexStream, duplex};
use tokio::time::{Duration, Instant};

const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
const IDLE_TIMEOUT: Duration = Duration::from_secs(90);
const MOMENT: Duration = Duration::from_millis(2);

fn connections(max_connections: usize) -> Arc<Connections> {
    let limits = ClientLimits {
        max_connections,
        max_in_flight: 1,
        max_unread: 1 << 20,
        header_timeout: HEADER_TIMEOUT,
        idle_timeout: IDLE_TIMEOUT,
    };
    let metrics = ConnectionMetrics::register(&Registry::new()).unwrap();
    Connections::new(limits, metrics)
}

/// The number of times that a limit was reached.
fn reached(connections: &Connections, limit: Limit) -> u64 {
    connections.context.metrics.counter(limit).get()
}

fn admit(connections: &Arc<Connections>, count: usize) -> Vec<Admission> {
    (0..count).map(|_| connections.admit().unwrap()).collect()
}

/// An admitted connection, and the client's end of it.
fn connect(connections: &Arc<Connections>) -> (LimitedStream<DuplexStream>, DuplexStream) {
    let (server, client) = duplex(1024);
    let admission = connections.admit().unwrap();
    (LimitedStream::new(server, admission), client)
}

/// Reads until the end; returns how long that took.
async fn ends_after(server: &mut LimitedStream<DuplexStream>) -> Duration {
    let began = Instant::now();
    let mut rest = Vec::new();
    server.read_to_end(&mut rest).await.unwrap();
    began.elapsed()
}
