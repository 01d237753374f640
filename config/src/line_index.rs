//! Lines and columns of offsets into a text.
//!
//! The starts of the lines are found once, so that a text with many errors is not searched from its
//! beginning for each of them.

/// The starts of the lines of a text.
#[derive(Debug)]
pub(crate) struct LineIndex<'t> {
    text: &'t str,
    /// The offset of the first byte of each line, ascending; the first is 0.
    starts: Vec<usize>,
}

impl<'t> LineIndex<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        let after = text.match_indices('\n').map(|(newline, _)| newline + 1);
        Self {
            text,
            starts: std::iter::once(0).chain(after).collect(),
        }
    }

    /// Line and column of an offset, both from 1. The column counts characters.
    pub(crate) fn position(&self, offset: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts.get(line.saturating_sub(1)).copied();
        let before = self.text.get(start.unwrap_or(0)..offset).unwrap_or("");
        (line, before.chars().count() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_and_columns_in_characters() {
        let text = "a\n\nü = 1";
        let index = LineIndex::new(text);
        let positions = [0, 1, 2, 3, 5, text.len()].map(|offset| index.position(offset));
        assert_eq!(positions, [(1, 1), (1, 2), (2, 1), (3, 1), (3, 2), (3, 6)]);
        assert_eq!(LineIndex::new("").position(0), (1, 1));
    }
}
