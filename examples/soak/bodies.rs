//! The bodies of healthy sources, and how to recognize them.

use std::sync::LazyLock;

/// The largest body that is allowed, in bytes; some sources return exactly that.
pub(crate) const MAX_BYTES: usize = 1 << 20;

/// A short, ordinary body.
pub(crate) const USUAL: &[u8] = b"# TYPE soak_total counter\nsoak_total{a=\"b\"} 1\n";

/// The body of a file that was just replaced.
pub(crate) const OTHER: &[u8] = b"soak 1\n";

/// A body of exactly [`MAX_BYTES`].
pub(crate) static LARGEST: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let lines = (0..MAX_BYTES).map(|line| format!("soak_bytes{{line=\"{line:08}\"}} 1\n"));
    let mut body = Vec::with_capacity(MAX_BYTES);
    for line in lines {
        if body.len() + line.len() + 2 > MAX_BYTES {
            break;
        }
        body.extend_from_slice(line.as_bytes());
    }
    // A comment fills the rest.
    body.push(b'#');
    body.resize(MAX_BYTES - 1, b' ');
    body.push(b'\n');
    body
});

/// A body with one very long name.
pub(crate) static LONG_NAME: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let name = "_".repeat(MAX_BYTES / 4);
    format!("{name} 1\n").into_bytes()
});

/// [`USUAL`] and [`LONG_NAME`], joined.
static JOINED: LazyLock<Vec<u8>> = LazyLock::new(|| [USUAL, &LONG_NAME].concat());

/// Whether a body is one of these, complete.
pub(crate) fn is_whole(body: &[u8]) -> bool {
    [USUAL, OTHER, &LARGEST, &JOINED].contains(&body)
}
