//! Kind `file`: files that a daemon writes, cached until they change.

use super::interface::{Caching, KindSettings};
use crate::body_policy::words;
use crate::bridge::Bridge;
use crate::key::Key;
use crate::table::Table;
use crate::value::measure::DurationOrZero;
use crate::value::path::{NamePattern, PathPattern};
use crate::value::{FromValue, describe, one_of};
use crate::write::TableWriter;
use config::{Value, ValueKind};
use std::path::PathBuf;
use std::time::Duration;

/// The settings of kind `file`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSource {
    /// Files, directories and patterns for either, in the order of the configuration.
    pub paths: Vec<PathBuf>,
    /// How they are read.
    pub options: FileOptions,
}

/// How the files of a selector are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileOptions {
    /// The patterns for the names of files in a directory.
    pub patterns: Vec<String>,
    /// The links that are followed below configured directories.
    pub follow_links: FollowLinks,
    /// If true, one bad file fails the selector; otherwise the file is left out.
    pub strict: bool,
    /// How long the last good body of a file is served while its newer version is bad.
    pub keep_last_good: Duration,
    /// The age, by modification time, past which a file is an error.
    pub max_age: Option<Duration>,
    /// Whether the modification time of each file is a metric.
    pub file_metrics: bool,
}

/// The symbolic links that are followed in what is found below a configured directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FollowLinks {
    /// Links whose targets stay inside their directory, and those that root or the owner of the target
    /// created.
    #[default]
    Safe,
    /// Every link.
    All,
}

words!(FollowLinks: "safe" = Safe, "all" = All);

impl Default for FileOptions {
    fn default() -> Self {
        Self {
            patterns: vec!["*.prom".into(), "*.promfile".into()],
            follow_links: FollowLinks::default(),
            strict: false,
            keep_last_good: Duration::from_secs(60),
            max_age: None,
            file_metrics: false,
        }
    }
}

impl KindSettings for FileSource {
    const KEYS: &'static [Key] = &[
        Key::required::<PathPattern>(
            "path",
            "Files, directories and patterns for either. They are joined into one body, in this \
             order; a directory means all its files that match `pattern`, sorted by name.",
        )
        .or_list(),
        Key::with_default::<NamePattern>(
            "pattern",
            "[\"*.prom\", \"*.promfile\"]",
            "The names of the files of a directory that are served.",
        )
        .or_list(),
        Key::with_default::<FollowLinks>(
            "follow_links",
            "\"safe\"",
            "The symbolic links that are followed in a directory or by a pattern. `safe`: those whose \
             targets stay inside the directory of the link, and those that root or the owner of \
             the target created; `all`: every link. A file that `path` names is always followed.",
        ),
        Key::with_default::<bool>(
            "strict_files",
            "false",
            "Makes one bad file fail the selector. Otherwise the file is left out and the others \
             are served.",
        ),
        Key::with_default::<DurationOrZero>(
            "keep_last_good",
            "\"1m\"",
            "How long the last good body of a file is served while its newer version is bad. A \
             file that is gone is an error after a second.",
        ),
        Key::absent::<Duration>(
            "max_age",
            "The age, by modification time, past which a file is an error. Without it, there is \
             no limit.",
        ),
        Key::with_default::<bool>(
            "file_metrics",
            "false",
            "Adds a metric with the modification time of each file to those of the exporter.",
        ),
    ];
    const CACHING: Caching = Caching::Files;

    fn read(table: &mut Table<'_, '_>, _: &Bridge) -> Option<Self> {
        let paths = table.require_list::<PathPattern>("path");
        let patterns = table.take_list::<NamePattern>("pattern");
        let defaults = FileOptions::default();
        let options = FileOptions {
            patterns: patterns.map_or(defaults.patterns, |patterns| {
                patterns.into_iter().map(|pattern| pattern.0).collect()
            }),
            follow_links: table.take("follow_links").unwrap_or(defaults.follow_links),
            strict: table.take("strict_files").unwrap_or(defaults.strict),
            keep_last_good: table
                .take::<DurationOrZero>("keep_last_good")
                .map_or(defaults.keep_last_good, |span| span.0),
            max_age: table.take("max_age"),
            file_metrics: table.take("file_metrics").unwrap_or(defaults.file_metrics),
        };
        let paths = paths?.into_iter().map(|path| path.0).collect();
        Some(Self { paths, options })
    }

    fn write(&self, selector: &mut TableWriter, _: &mut TableWriter) {
        let Self { paths, options } = self;
        let FileOptions {
            patterns,
            follow_links,
            strict,
            keep_last_good,
            max_age,
            file_metrics,
        } = options;
        selector.put_list("path", paths);
        selector.put_list("pattern", patterns);
        selector.put("follow_links", follow_links.as_str());
        selector.put("strict_files", strict);
        selector.put("keep_last_good", keep_last_good);
        selector.put_some("max_age", max_age.as_ref());
        selector.put("file_metrics", file_metrics);
    }
}
