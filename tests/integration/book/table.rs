//! Tables of a page, by the heading above them.

use super::text;

/// The cells of every row below a heading, up to the next one; the head of a table is left out.
///
/// The heading is given as it is written, such as `## Keys of kind uds`.
pub(super) fn rows(page: &str, heading: &str) -> Vec<Vec<String>> {
    let text = text(page);
    let mut lines = text.lines();
    assert!(
        lines.any(|line| line == heading),
        "{page} has no heading {heading}"
    );
    let section: Vec<&str> = lines.take_while(|line| !line.starts_with('#')).collect();
    let rows = section
        .iter()
        .zip(section.iter().skip(1))
        .filter(|(line, next)| line.starts_with('|') && !next.starts_with("| ---"))
        .map(|(line, _)| *line)
        .chain(section.last().copied().filter(|line| line.starts_with('|')))
        .filter(|line| !line.starts_with("| ---"));
    let rows: Vec<Vec<String>> = rows.map(cells).collect();
    assert!(!rows.is_empty(), "{page} has no table below {heading}");
    rows
}

fn cells(row: &str) -> Vec<String> {
    let inner = row.trim_matches('|');
    inner
        .split(" | ")
        .map(|cell| cell.trim().to_owned())
        .collect()
}

/// What is between the first pair of backticks of a cell.
pub(super) fn code(cell: &str) -> &str {
    cell.split('`')
        .nth(1)
        .unwrap_or_else(|| panic!("{cell} has no code"))
}

/// The rows of every table of a page: their first cells, without heads.
pub(super) fn first_cells(page: &str) -> Vec<String> {
    let text = text(page);
    let lines: Vec<&str> = text.lines().collect();
    let row = |line: &&&str| line.starts_with("| `");
    lines
        .iter()
        .filter(row)
        .map(|line| cells(line).swap_remove(0))
        .collect()
}
