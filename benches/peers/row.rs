//! The results of a cell: the figures of each server, summed over its rounds.

use crate::cell::Case;
use crate::fetch::Response;
use crate::load::Round;
use crate::server::Server;
use std::time::Duration;

/// The figures of one server over all its rounds.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) server: Server,
    /// `None` for a loop, which is not a server.
    pub(crate) response: Option<Response>,
    /// Responses, or pulls of the loop.
    pub(crate) requests: u64,
    pub(crate) took: Duration,
    pub(crate) used: Duration,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    pub(crate) errors: u64,
    pub(crate) pulls: u64,
    pub(crate) peak_kib: u64,
    /// Whether there were too few responses for an exact cost.
    pub(crate) rough: bool,
}

/// All rows of a cell.
#[derive(Debug)]
pub(crate) struct Measured(pub(crate) Vec<Row>);

impl Measured {
    pub(crate) fn row(&self, server: Server) -> Option<&Row> {
        self.0.iter().find(|row| row.server == server)
    }

    /// Microseconds of processor time per response.
    pub(crate) fn cost(&self, server: Server) -> Option<f64> {
        self.row(server).and_then(Row::cost)
    }

    /// The reference that the exporter's cost is compared with in a case.
    pub(crate) fn reference(&self, case: Case) -> Option<f64> {
        match case {
            Case::File => self.cost(Server::Nginx),
            Case::Uds => Some(self.cost(Server::Nginx)? + self.cost(Server::PullLoop)?),
            Case::Dbus => self.cost(Server::PullLoop),
        }
    }
}

impl Row {
    pub(crate) fn new(server: Server, response: Option<Response>) -> Self {
        Self {
            server,
            response,
            requests: 0,
            took: Duration::ZERO,
            used: Duration::ZERO,
            p50: Duration::ZERO,
            p99: Duration::ZERO,
            errors: 0,
            pulls: 0,
            peak_kib: 0,
            rough: false,
        }
    }

    pub(crate) fn cost(&self) -> Option<f64> {
        (self.requests > 0).then(|| self.used.as_secs_f64() * 1e6 / self.requests as f64)
    }

    pub(crate) fn rate(&self) -> f64 {
        self.requests as f64 / self.took.as_secs_f64().max(f64::MIN_POSITIVE)
    }

    pub(crate) fn add(&mut self, round: &Round, used: Duration, rounds: u32) {
        self.requests += round.requests;
        self.took += round.took;
        self.used += used;
        // The mean of the rounds.
        self.p50 += round.p50 / rounds;
        self.p99 += round.p99 / rounds;
        self.errors += round.broken + round.refused;
    }
}
