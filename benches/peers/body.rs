//! The body that every server serves: an exposition with a given number of series.
//!
//! About 92 bytes a series, in families of twenty, with labels in alphabetical order and values
//! that every program formats identically, so that `node_exporter` repeats the lines unchanged.

use std::fmt::Write;

/// Series in a family.
const FAMILY: usize = 20;

/// An exposition of `series` series.
pub(crate) fn text(series: usize) -> Vec<u8> {
    let mut text = String::new();
    for number in 0..series {
        let family = number / FAMILY;
        let name = format!("peers_requests_{family:04}_total");
        if number % FAMILY == 0 {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "# HELP {name} Requests.\n# TYPE {name} counter");
        }
        // Below a million: from there on Go writes an exponent.
        let value = number * 7919 % 999_983;
        let _ = writeln!(
            text,
            "{name}{{code=\"200\",instance=\"{number:05}\",method=\"GET\",path=\"/api\"}} {value}"
        );
    }
    text.into_bytes()
}

/// A size for tables: "9 kB".
pub(crate) fn size(bytes: usize) -> String {
    match bytes as f64 {
        bytes if bytes < 1e4 => format!("{:.1} kB", bytes / 1e3),
        bytes if bytes < 5e5 => format!("{:.0} kB", bytes / 1e3),
        bytes => format!("{:.2} MB", bytes / 1e6),
    }
}
