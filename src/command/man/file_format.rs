//! local-exporter.toml(5): the format of the configuration, from the reference of its keys.

use super::sections;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};
use local_exporter_config::{
    DefaultValue, ENVIRONMENT_PREFIX, Key, KeyTable, TakesEffect, reference,
};
use std::io;

/// The file name of the page.
pub(super) const FILE_NAME: &str = "local-exporter.toml.5";

const EXAMPLE: &str = r#"[service]
listen = [":9598"]

[bridge.selectors.daemon1]
kind = "uds"
path = "/run/daemon1/public/metrics.promsock"

[bridge.selectors.daemon2]
kind = "file"
path = "/run/daemon2/public/metrics.promfile"
"#;

/// The page, with the sections of man-pages(7) and one section per table.
pub(super) fn page() -> io::Result<Vec<u8>> {
    let mut roff = Roff::new();
    let source = concat!("local-exporter ", env!("CARGO_PKG_VERSION"));
    roff.control("TH", ["local-exporter.toml", "5", "", source]);
    roff.control("SH", ["NAME"]);
    roff.text([roman(
        "local-exporter.toml - configuration of local-exporter",
    )]);
    description(&mut roff);
    for table in reference() {
        keys(&mut roff, &table);
    }
    roff.control("SH", ["FILES"]);
    for (term, text) in sections::files() {
        roff.control("TP", []);
        roff.text([bold(term)]);
        roff.text([roman(text)]);
    }
    roff.control("SH", ["EXAMPLES"]);
    roff.control("EX", []);
    roff.text([roman(EXAMPLE)]);
    roff.control("EE", []);
    roff.control("SH", ["SEE ALSO"]);
    roff.text([
        bold("local-exporter"),
        roman("(1), "),
        bold("local-exporter-serve"),
        roman("(1), "),
        bold("local-exporter-check"),
        roman("(1)"),
    ]);
    let mut page = Vec::new();
    roff.to_writer(&mut page)?;
    Ok(page)
}

fn description(roff: &mut Roff) {
    roff.control("SH", ["DESCRIPTION"]);
    roff.text([roman(
        "The configuration is TOML. local-exporter merges these layers; each one overrides those \
         before it: defaults, drop-ins in the order of their names, the file, environment \
         variables, and flags.",
    )]);
    roff.control("PP", []);
    roff.text([
        roman("An environment variable sets the key whose dots are replaced by two underscores: "),
        bold(format!("{ENVIRONMENT_PREFIX}__SERVICE__PORT=9600")),
        roman(" sets "),
        bold("service.port"),
        roman("."),
    ]);
    roff.control("PP", []);
    roff.text([
        roman("Durations have units, such as "),
        bold("\"1m 30s\""),
        roman(". Sizes have units too, such as "),
        bold("\"16 MiB\""),
        roman(". "),
        bold("local-exporter check"),
        roman(" reports every error with its line and column."),
    ]);
}

/// One table: its keys, with their values, defaults, and when a change takes effect.
fn keys(roff: &mut Roff, table: &KeyTable) {
    let heading = match table.kind {
        Some(kind) => format!("TABLE [{}], KIND {kind}", table.header),
        None => format!("TABLE [{}]", table.header),
    };
    roff.control("SH", [heading.as_str()]);
    for key in &table.keys {
        roff.control("TP", []);
        roff.text([bold(key.name)]);
        roff.text(inlines(key.description));
        roff.control("IP", []);
        roff.text(facts(key));
    }
}

fn facts(key: &Key) -> Vec<Inline> {
    let list = if key.list { ", or a list of them" } else { "" };
    let mut facts = vec![
        italic("Value:"),
        roman(format!(" {}{list}", key.value)),
        roman("; "),
    ];
    facts.extend(inlines(key.expected));
    facts.extend([roman(". "), italic("Default:"), roman(" ")]);
    facts.push(match key.default {
        DefaultValue::Required => roman("none, the key is required"),
        DefaultValue::Absent => roman("none"),
        DefaultValue::Value(value) => bold(value),
        DefaultValue::Inherited => roman("the value in [bridge.defaults]"),
    });
    facts.push(roman(match key.takes_effect {
        TakesEffect::Reload => ". A change takes effect at a reload.",
        TakesEffect::Restart => ". A change takes effect after a restart.",
    }));
    facts
}

/// A text whose code is in backticks, with the code in bold.
fn inlines(text: &str) -> Vec<Inline> {
    let parts = text.split('`').enumerate();
    let parts = parts.filter(|(_, part)| !part.is_empty());
    let inline = |(index, part): (usize, &str)| match index % 2 {
        0 => roman(part),
        _ => bold(part),
    };
    parts.map(inline).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    #[test]
    fn the_page_has_a_section_per_table_and_every_key() {
        let page = String::from_utf8(page().unwrap()).unwrap();
        assert!(page.contains(".TH local-exporter.toml 5"), "{page}");
        assert!(!page.contains('`'), "{page}");
        let sections: Vec<_> = page.split("\n.SH ").collect();
        for table in reference() {
            let kind = table.kind.map(|kind| format!("KIND {kind}"));
            let section = sections.iter().find(|section| {
                let heading = section.lines().next().unwrap();
                heading.contains(&format!("[{}]", table.header))
                    && kind.as_ref().is_none_or(|kind| heading.contains(kind))
            });
            let section = section.unwrap_or_else(|| panic!("{} is missing", table.header));
            for key in table.keys {
                let term = format!("\n.TP\n\\fB{}\\fR\n", key.name.replace('-', "\\-"));
                assert!(section.contains(&term), "{} is not in {section}", key.name);
            }
        }
    }

    #[test]
    fn a_key_has_its_value_default_and_change() {
        let page = String::from_utf8(page().unwrap()).unwrap();
        for text in [
            "\\fIValue:\\fR",
            "none, the key is required",
            "the value in [bridge.defaults]",
            "A change takes effect after a restart.",
            "A change takes effect at a reload.",
        ] {
            assert!(page.contains(text), "{text} is not in {page}");
        }
    }
}
