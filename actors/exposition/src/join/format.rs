//! The format in which several files are joined.

use crate::format::Format;

/// The format that most of the files have, disregarding empty ones.
///
/// The majority decides, and not the first file: a file that was cut off has lost its `# EOF` and looks like text, which
/// must not exclude all the others.
pub(super) struct MajorityFormat {
    pub(super) format: Format,
    /// The number of files that are not empty.
    pub(super) files: usize,
    /// The index of the first file that is not empty.
    pub(super) first_file: usize,
    /// The index of the first file that has the format.
    pub(super) representative: usize,
}

impl MajorityFormat {
    /// Counts `formats`, which are those of `files`.
    pub(super) fn of(files: &[(&str, &[u8])], formats: &[Format]) -> Self {
        let with_bytes: Vec<(usize, Format)> = files
            .iter()
            .zip(formats)
            .enumerate()
            .filter(|(_, ((_, body), _))| !body.is_empty())
            .map(|(index, (_, format))| (index, *format))
            .collect();
        let count = |format: Format| with_bytes.iter().filter(|(_, own)| *own == format).count();
        let first_file = with_bytes.first().map_or(0, |(index, _)| *index);
        // Of equal counts `max_by_key` returns the last, and thereby the first file.
        let formats_reversed = with_bytes.iter().map(|(_, format)| *format).rev();
        let format = formats_reversed
            .max_by_key(|format| count(*format))
            .or(formats.first().copied())
            .unwrap_or(Format::Text);
        let representative = with_bytes.iter().find(|(_, own)| *own == format);
        Self {
            format,
            files: with_bytes.len(),
            first_file,
            representative: representative.map_or(first_file, |(index, _)| *index),
        }
    }
}
