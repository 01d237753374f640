//! What the sources have to say when they are well, and how to know it again.

use std::sync::LazyLock;

/// The largest answer that is allowed, in bytes; some sources give just that.
pub(crate) const MAX_BYTES: usize = 1 << 20;

/// A usual answer, if a short one.
pub(crate) const USUAL: &[u8] = b"# TYPE soak_total counter\nsoak_total{a=\"b\"} 1\n";

/// The answer of a file that was just replaced.
pub(crate) const OTHER: &[u8] = b"soak 1\n";

/// An answer of exactly [`MAX_BYTES`].
pub(crate) static LARGEST: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let lines = (0..MAX_BYTES).map(|line| format!("soak_bytes{{line=\"{line:08}\"}} 1\n"));
    let mut body = Vec::with_capacity(MAX_BYTES);
    for line in lines {
        if body.len() + line.len() + 2 > MAX_BYTES {
            break;
        }
        body.extend_from_slice(line.as_bytes());
    }
    // A comment fills it up.
    body.push(b'#');
    body.resize(MAX_BYTES - 1, b' ');
    body.push(b'\n');
    body
});

/// Whether a body is what a source meant to say, whole.
pub(crate) fn is_whole(body: &[u8]) -> bool {
    [USUAL, OTHER, &LARGEST].contains(&body)
}
