//! Reads the lines of a body in one of the text-based formats, in one pass.
//!
//! Lines in the usual form take the fast path unless the specification is enforced; all others go through the reader.
//! After a fault, reading continues with the next line until the list of faults is full.

use super::fault_list::FaultList;
use crate::entry::{Entry, Reader};
use crate::fast_path::{self, TimestampUnit, Totals};
use crate::fault::RawFault;
use crate::format::Format;
use crate::labels::NameFlags;
use crate::metric_type::Dialect;
use crate::openmetrics::OpenMetricsReader;
use crate::strict::FamilyState;
use crate::summary::Summary;
use crate::text::TextReader;

/// Checks the lines of `body` in the format of `summary`, and counts them there.
pub(super) fn check_lines<'a>(
    body: &'a [u8],
    strict: bool,
    faults: &mut FaultList<'a>,
    summary: &mut Summary,
) {
    let utf8 = std::str::from_utf8(body);
    // The fast path does not examine the bytes of label values, so they must be known to be UTF-8.
    let fast = !strict && utf8.is_ok();
    if summary.format == Format::Text {
        let mut lines = Lines::new(body, strict.then_some(Dialect::Text), summary);
        let unit = fast.then_some(TimestampUnit::Milliseconds);
        lines.read(TextReader::new(body), unit, faults);
    } else {
        let mut lines = Lines::new(body, strict.then_some(Dialect::OpenMetrics), summary);
        let unit = fast.then_some(TimestampUnit::Seconds);
        lines.read(OpenMetricsReader::new(body), unit, faults);
    }
    if let (true, Err(error)) = (strict, utf8) {
        faults.add(RawFault::malformed(
            error.valid_up_to(),
            "the body is not valid UTF-8 from here on",
        ));
    }
}

/// The state of reading one body.
struct Lines<'a, 's> {
    body: &'a [u8],
    /// The family being read, if the specification is enforced.
    family_state: Option<FamilyState>,
    name_flags: NameFlags,
    totals: Totals,
    /// The family of the last metadata line.
    last_family: &'a [u8],
    summary: &'s mut Summary,
}

impl<'a, 's> Lines<'a, 's> {
    fn new(body: &'a [u8], strict: Option<Dialect>, summary: &'s mut Summary) -> Self {
        Self {
            body,
            family_state: strict.map(FamilyState::new),
            name_flags: NameFlags::default(),
            totals: Totals::default(),
            last_family: &[],
            summary,
        }
    }

    /// Reads to the end of the body or until `faults` is full; `fast` is the unit for the fast path, if allowed.
    fn read(
        &mut self,
        mut reader: impl Reader<'a>,
        fast: Option<TimestampUnit>,
        faults: &mut FaultList<'a>,
    ) {
        while !faults.is_full() {
            if let Some(unit) = fast {
                let end = fast_path::skip(self.body, reader.at(), unit, &mut self.totals);
                reader.jump(end);
            }
            let start = reader.at();
            match reader.next() {
                Ok(Some(entry)) => self.add(start, &entry, &reader, faults),
                Ok(None) => break,
                Err(fault) => {
                    faults.add(fault);
                    reader.resume_after(start);
                }
            }
        }
        if let Some(fault) = self
            .family_state
            .take()
            .and_then(|mut state| state.finish())
        {
            faults.add(fault);
        }
        self.summary.samples = self.totals.samples;
        self.summary.newest_timestamp_ms = self.totals.newest_ms;
        self.summary.needs_utf8 = self.name_flags.utf8;
        self.summary.quoted_names = self.name_flags.quoted;
    }

    /// Counts one entry, and checks it against the specification if that is enforced.
    fn add(
        &mut self,
        start: usize,
        entry: &Entry<'a>,
        reader: &impl Reader<'a>,
        faults: &mut FaultList<'a>,
    ) {
        if let Some(name) = entry.name() {
            self.name_flags.note_metric(name);
        }
        match entry {
            Entry::Sample(sample) => {
                self.name_flags.note_labels(reader.labels());
                self.name_flags.note_labels(reader.exemplar());
                self.summary.exemplars += usize::from(sample.exemplar);
                self.totals.samples += 1;
                let timestamp = sample.timestamp.as_ref().map(|(_, timestamp)| *timestamp);
                self.totals.newest_ms = self.totals.newest_ms.max(timestamp);
            }
            Entry::Help(name) | Entry::Type(name, _) | Entry::Unit(name) => {
                self.summary.families += usize::from(name.text != self.last_family);
                self.last_family = name.text;
            }
            Entry::Comment => {}
        }
        if let Some(state) = &mut self.family_state {
            for fault in state.add(self.body, start, entry, reader) {
                faults.add(fault);
            }
        }
    }
}
