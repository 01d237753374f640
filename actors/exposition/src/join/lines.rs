//! The lines of each family, in the order of the files.
//!
//! A line takes eight bytes: its position, and the index of the next line of its family. The last line of a family
//! refers to the first, so that a family is known by its last line.

use super::input::Position;

/// The index of a line.
pub(super) type LineIndex = u32;

/// Marks the first line of a family, in [`Line::next`].
const FIRST: u32 = 1 << 31;

#[derive(Clone, Copy, Debug)]
struct Line {
    position: Position,
    /// The index of the next line of the family, and the bit [`FIRST`].
    next: u32,
}

/// The lines that are served.
pub(super) struct Lines {
    lines: Vec<Line>,
}

impl Lines {
    /// For at most `count` lines.
    pub(super) fn new(count: usize) -> Self {
        Self {
            lines: Vec::with_capacity(count),
        }
    }

    /// Adds the first line of a family.
    pub(super) fn add_first(&mut self, position: Position) -> LineIndex {
        let index = self.next_index();
        let next = index | FIRST;
        self.lines.push(Line { position, next });
        index
    }

    /// Adds a line after `last`, the last one of its family; returns its index, which then is the last.
    pub(super) fn add(&mut self, position: Position, last: LineIndex) -> LineIndex {
        let index = self.next_index();
        let mut first = index;
        if let Some(last) = self.lines.get_mut(last as usize) {
            first = last.next & !FIRST;
            last.next = last.next & FIRST | index;
        }
        self.lines.push(Line {
            position,
            next: first,
        });
        index
    }

    /// The first lines of all families, in order.
    pub(super) fn families(&self) -> impl Iterator<Item = LineIndex> {
        let firsts = self
            .lines
            .iter()
            .enumerate()
            .filter(|(_, line)| line.next & FIRST != 0);
        firsts.filter_map(|(index, _)| LineIndex::try_from(index).ok())
    }

    /// The lines of the family that begins with `first`.
    pub(super) fn of_family(
        &self,
        first: LineIndex,
    ) -> impl Iterator<Item = (LineIndex, Position)> {
        let mut index = Some(first);
        std::iter::from_fn(move || {
            let current = index?;
            let line = self.lines.get(current as usize)?;
            index = Some(line.next & !FIRST).filter(|next| *next != first);
            Some((current, line.position))
        })
    }

    pub(super) fn position(&self, line: LineIndex) -> Position {
        self.lines
            .get(line as usize)
            .map_or(0, |line| line.position)
    }

    /// Positions have 32 bits and a line two bytes at least, so an index has 31.
    fn next_index(&self) -> LineIndex {
        LineIndex::try_from(self.lines.len()).unwrap_or(!FIRST) & !FIRST
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[test]
    fn families_keep_their_lines_in_order() {
        let mut lines = Lines::new(5);
        let a = lines.add_first(10);
        let b = lines.add_first(20);
        let a = lines.add(30, a);
        lines.add(40, a);
        lines.add(50, b);
        let families: Vec<Vec<u32>> = lines
            .families()
            .map(|first| {
                lines
                    .of_family(first)
                    .map(|(_, position)| position)
                    .collect()
            })
            .collect();
        assert_eq!(families, [vec![10, 30, 40], vec![20, 50]]);
    }
}
