//! What there is to be looked at before the files of a selector are read. Blocks; opens no file.

use super::expand::{Patterns, expand, is_pattern, split};
use crate::source::Place;
use local_exporter_config::FileOptions;
use std::path::PathBuf;

/// Each path, and the files that it leads to now.
pub(in crate::source) fn places(paths: &[PathBuf], options: &FileOptions) -> Vec<Place> {
    let patterns = Patterns::new(&options.patterns);
    let mut places = Vec::new();
    for path in paths {
        let expansion = expand(std::slice::from_ref(path), &patterns);
        let several = path.to_str().is_some_and(is_pattern);
        if several {
            places.push(Place::Directory(split(path).0));
        } else if path.is_dir() {
            places.push(Place::Directory(path.clone()));
        } else {
            places.push(Place::File(path.clone()));
            continue;
        }
        if expansion.files.is_empty() {
            let other = expansion.passed_over.first().cloned();
            places.push(Place::Unmatched(path.clone(), other));
        }
        let files = expansion.files.into_iter();
        // A directory that cannot be listed stands there with its error.
        let files = files.filter(|(file, _)| !file.is_dir());
        places.extend(files.map(|(file, _)| Place::File(file)));
    }
    places
}
