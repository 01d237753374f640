//! Runs a body through the reader of its format and gathers counts and faults.
//!
//! One pass. Ordinary lines are stepped over at speed unless the specification's rules are asked for; all others go
//! through the reader. After a fault reading goes on with the next line, up to the number of faults wanted.

use super::detect;
use super::entry::{Dialect, Entry, Reader};
use super::fast_path::{self, TimestampUnit, Totals};
use super::fault::{Fault, FaultKind, RawFault};
use super::labels::NameFlags;
use super::openmetrics::OpenMetricsReader;
use super::strict::FamilyState;
use super::text::TextReader;
use super::{Check, FinalNewline, Format, FormatChoice, Rules, Summary, protobuf};

/// The summary of `body`, or its faults: at least one and at most `most`.
pub(super) fn check_body(body: &[u8], rules: &Rules, most: usize) -> Result<Summary, Vec<Fault>> {
    let unread = matches!(rules.check, Check::Whole | Check::None);
    let guess = if unread {
        detect::detect_format(body, rules.format)
    } else {
        detect::guess(body, rules.format)
    };
    let result = check_as(body, rules, guess, most);
    let doubted = result.is_err() && !unread && rules.format == FormatChoice::Auto;
    if doubted && detect::is_text_after_all(body, guess) {
        return check_as(body, rules, Format::Text, most);
    }
    result
}

fn check_as(
    body: &[u8],
    rules: &Rules,
    format: Format,
    most: usize,
) -> Result<Summary, Vec<Fault>> {
    let mut summary = Summary::new(format);
    if rules.check == Check::None {
        return Ok(summary);
    }
    if body.is_empty() {
        let fault = Fault {
            kind: FaultKind::Empty,
            line: 1,
            column: 1,
            message: "the body is empty".to_owned(),
            ..Fault::default()
        };
        return if rules.allow_empty {
            Ok(summary)
        } else {
            Err(vec![fault])
        };
    }
    if format == Format::Protobuf {
        let read = protobuf::read(body, rules.check != Check::Whole, &mut summary);
        return read.map(|()| summary).map_err(|fault| vec![fault]);
    }
    let mut faults = FaultList {
        body,
        most,
        newline_required: format == Format::Text && rules.final_newline == FinalNewline::Required,
        list: Vec::new(),
    };
    if rules.check != Check::Whole {
        check_lines(rules.check == Check::Strict, &mut faults, &mut summary);
    }
    // Prometheus also takes NUL bytes around the last line, which no whole body has.
    if format == Format::OpenMetrics && faults.list.is_empty() && !detect::ends_with_eof(body) {
        faults.add(RawFault::truncated(
            body.len(),
            "the body does not end with the line `# EOF`",
        ));
    }
    if format == Format::Text && body.last() != Some(&b'\n') {
        summary.missing_final_newline = true;
        if faults.newline_required && faults.list.is_empty() {
            faults.add(RawFault::truncated(
                body.len(),
                "the last line does not end with a newline: the body was cut",
            ));
        }
    }
    faults.list.sort_by_key(|fault| (fault.line, fault.column));
    faults.list.dedup_by_key(|fault| fault.line);
    if faults.list.is_empty() {
        Ok(summary)
    } else {
        Err(faults.list)
    }
}

/// Judges the lines of a body in one of the text formats.
fn check_lines(strict: bool, faults: &mut FaultList<'_>, summary: &mut Summary) {
    let body = faults.body;
    let utf8 = std::str::from_utf8(body);
    let fast = !strict && utf8.is_ok();
    if summary.format == Format::Text {
        let state = strict.then(|| FamilyState::new(Dialect::Text));
        read(
            TextReader::new(body),
            fast.then_some(TimestampUnit::Milliseconds),
            state,
            faults,
            summary,
        );
    } else {
        let state = strict.then(|| FamilyState::new(Dialect::OpenMetrics));
        read(
            OpenMetricsReader::new(body),
            fast.then_some(TimestampUnit::Seconds),
            state,
            faults,
            summary,
        );
    }
    if let (true, Err(error)) = (strict, utf8) {
        faults.add(RawFault::malformed(
            error.valid_up_to(),
            "the body is not UTF-8 from here on",
        ));
    }
}

/// The faults found so far.
struct FaultList<'a> {
    body: &'a [u8],
    most: usize,
    /// Whether a last line without newline tells that the body was cut.
    newline_required: bool,
    list: Vec<Fault>,
}

impl FaultList<'_> {
    fn add(&mut self, mut fault: RawFault) {
        let on_cut_line = || {
            !self
                .body
                .get(fault.at..)
                .unwrap_or_default()
                .contains(&b'\n')
        };
        if fault.kind == FaultKind::Malformed
            && self.newline_required
            && self.body.last() != Some(&b'\n')
            && on_cut_line()
        {
            fault.kind = FaultKind::Truncated;
        }
        if !self.is_full() {
            self.list.push(fault.into_fault(self.body));
        }
    }

    fn is_full(&self) -> bool {
        self.list.len() >= self.most
    }
}

/// Reads all of a text body.
fn read<'a>(
    mut reader: impl Reader<'a>,
    fast: Option<TimestampUnit>,
    mut state: Option<FamilyState>,
    faults: &mut FaultList<'a>,
    summary: &mut Summary,
) {
    let body = faults.body;
    let mut flags = NameFlags::default();
    let mut totals = Totals::default();
    let mut family: &[u8] = &[];
    while !faults.is_full() {
        if let Some(unit) = fast {
            reader.jump(fast_path::skip(body, reader.at(), unit, &mut totals));
        }
        let start = reader.at();
        let entry = match reader.next() {
            Ok(Some(entry)) => entry,
            Ok(None) => break,
            Err(fault) => {
                faults.add(fault);
                reader.resume_after(start);
                continue;
            }
        };
        if let Some(name) = entry.name() {
            flags.note_metric(name);
        }
        match &entry {
            Entry::Sample(sample) => {
                flags.note_labels(reader.labels());
                flags.note_labels(reader.exemplar());
                summary.exemplars += usize::from(sample.exemplar);
                totals.samples += 1;
                totals.newest = totals
                    .newest
                    .max(sample.timestamp.as_ref().map(|(_, stamp)| *stamp));
            }
            Entry::Help(name) | Entry::Type(name, _) | Entry::Unit(name) => {
                summary.families += usize::from(name.text != family);
                family = name.text;
            }
            Entry::Comment => {}
        }
        if let Some(state) = &mut state {
            for fault in state.add(body, start, &entry, &reader) {
                faults.add(fault);
            }
        }
    }
    if let Some(fault) = state.and_then(|mut state| state.finish()) {
        faults.add(fault);
    }
    summary.samples = totals.samples;
    summary.newest_timestamp_ms = totals.newest;
    summary.needs_utf8 = flags.utf8;
    summary.quoted_names = flags.quoted;
}
