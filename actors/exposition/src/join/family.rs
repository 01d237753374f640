//! A family that is gathered from all files.

use super::input::ReadLine;
use crate::entry::Entry;
use crate::metric_type::MetricType;

/// A family, without its samples.
pub(super) struct Family<'f> {
    pub(super) name: &'f [u8],
    pub(super) metric_type: Option<MetricType>,
    /// The lines HELP, TYPE and UNIT: the first of each.
    pub(super) metadata: [Option<&'f [u8]>; 3],
    /// The files that declare the type, in ascending order.
    pub(super) declaring: Vec<usize>,
    /// The number of its sample lines.
    pub(super) samples: usize,
}

impl<'f> Family<'f> {
    /// Whether a file declares the type of the family.
    pub(super) fn declares(&self, file: usize) -> bool {
        self.declaring.binary_search(&file).is_ok()
    }

    /// Notes a line of metadata.
    pub(super) fn add_metadata(&mut self, line: &ReadLine<'f>) {
        let [help, metric_type, unit] = &mut self.metadata;
        let place = match line.entry {
            Entry::Help(_) => help,
            Entry::Unit(_) => unit,
            Entry::Type(_, declared) if Some(declared) == self.metric_type => {
                if self.declaring.last() != Some(&line.file) {
                    self.declaring.push(line.file);
                }
                metric_type
            }
            Entry::Type(..) | Entry::Comment | Entry::Sample(_) => return,
        };
        place.get_or_insert(line.bytes);
    }
}
