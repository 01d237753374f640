//! The log lines about the files of a selector: those with an error, and what was left out of the
//! joined body.

use super::logfmt;
use crate::process::logging::Fields;
use local_exporter_actors::SelectorHandle;
use local_exporter_actors::report::{CacheReport, FileReport};
use std::time::SystemTime;
use tracing::Level;

/// The most lines of each sort.
const MAX_LINES: usize = 100;

/// The lines, as of the latest look at the files; none if the selector reads no files, or all of them
/// are served as a whole.
pub(super) fn lines(handle: &SelectorHandle, time: SystemTime) -> String {
    let Some(report) = handle.files() else {
        return String::new();
    };
    let CacheReport {
        files,
        conflicts,
        duplicates,
        duplicate_series,
        ..
    } = &*report;
    let about_file = |file: &FileReport| -> Option<String> {
        let error = file.error.as_ref()?;
        let mut fields = Fields::default();
        fields.set("served", file.served);
        fields.set("error", error.message.as_str());
        Some(logfmt(time, Level::WARN, "file has an error", &fields))
    };
    let about = |level: Level, msg: &'static str, key: &'static str| {
        move |message: &String| {
            let mut fields = Fields::default();
            fields.set(key, message.as_str());
            logfmt(time, level, msg, &fields)
        }
    };
    let with_errors = files.iter().filter_map(about_file);
    let conflicts_left_out = conflicts
        .iter()
        .map(about(Level::WARN, "conflict", "error"));
    let series = duplicates.iter();
    let series = series.map(about(Level::INFO, "duplicate series", "left_out"));
    let mut text: String = with_errors.take(MAX_LINES).collect();
    text.extend(conflicts_left_out.take(MAX_LINES));
    text.extend(series.take(MAX_LINES));
    if *duplicate_series > MAX_LINES {
        let mut fields = Fields::default();
        fields.set("count", *duplicate_series);
        text += &logfmt(time, Level::INFO, "duplicate series in total", &fields);
    }
    text
}
