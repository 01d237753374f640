//! The faults of one body, up to a maximum number.

use crate::fault::{Fault, FaultKind, LineCounter, RawFault};

/// The faults found so far.
pub(super) struct FaultList<'a> {
    body: &'a [u8],
    max: usize,
    /// Whether a last line without line feed means that the body was cut off.
    newline_required: bool,
    faults: Vec<RawFault>,
}

impl<'a> FaultList<'a> {
    /// An empty list for at most `max` faults of `body`.
    pub(super) const fn new(body: &'a [u8], max: usize, newline_required: bool) -> Self {
        Self {
            body,
            max,
            newline_required,
            faults: Vec::new(),
        }
    }

    /// Adds a fault, unless the list is full. A malformed line that was cut off counts as truncated.
    pub(super) fn add(&mut self, mut fault: RawFault) {
        if fault.kind == FaultKind::Malformed
            && self.newline_required
            && self.body.last() != Some(&b'\n')
            && self.is_in_last_line(fault.at)
        {
            fault.kind = FaultKind::Truncated;
        }
        if !self.is_full() {
            self.faults.push(fault);
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.faults.len() >= self.max
    }

    pub(super) fn is_empty(&self) -> bool {
        self.faults.is_empty()
    }

    /// The faults in the order of their positions, at most one per line.
    pub(super) fn into_result(mut self) -> Result<(), Vec<Fault>> {
        self.faults.sort_by_key(|fault| fault.at);
        let mut lines = LineCounter::new(self.body);
        let faults = self.faults.into_iter();
        let mut faults: Vec<Fault> = faults
            .map(|fault| fault.into_fault_at(&mut lines))
            .collect();
        faults.dedup_by_key(|fault| fault.line);
        if faults.is_empty() {
            Ok(())
        } else {
            Err(faults)
        }
    }

    fn is_in_last_line(&self, at: usize) -> bool {
        let rest = self.body.get(at..).unwrap_or_default();
        !rest.contains(&b'\n')
    }
}
