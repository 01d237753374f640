//! The parts of bodies of any size.

use std::fmt::Write;

/// A kind of body.
pub(super) struct Shape {
    pub(super) name: &'static str,
    /// The size of the smaller body, in bytes.
    pub(super) size: usize,
    /// Makes a body of about this size.
    pub(super) make: fn(usize) -> Vec<u8>,
}

pub(super) const fn shape(name: &'static str, make: fn(usize) -> Vec<u8>) -> Shape {
    Shape {
        name,
        size: 24 << 10,
        make,
    }
}

/// A body for which only large sizes tell the difference.
pub(super) const fn large(name: &'static str, make: fn(usize) -> Vec<u8>) -> Shape {
    Shape {
        name,
        size: 256 << 10,
        make,
    }
}

/// Lines that `line` makes from a running number, up to `size` bytes.
pub(super) fn lines(size: usize, line: impl Fn(usize) -> String) -> Vec<u8> {
    repeat(size, |n| line(n).into_bytes())
}

pub(super) fn repeat(size: usize, part: impl Fn(usize) -> Vec<u8>) -> Vec<u8> {
    let mut parts = Vec::with_capacity(size + 64);
    let mut number = 0;
    while parts.len() < size {
        parts.extend(part(number));
        number += 1;
    }
    parts
}

/// A short name for each number.
pub(super) fn name(mut number: usize) -> String {
    let mut name = String::new();
    loop {
        let letter = u8::try_from(number % 26).map_or('a', |letter| char::from(b'a' + letter));
        let _ = write!(name, "{letter}");
        number /= 26;
        if number == 0 {
            return name;
        }
    }
}

/// `middle` repeated up to `size` bytes, between `head` and `end`.
pub(super) fn around(head: &str, middle: &str, end: &str, size: usize) -> Vec<u8> {
    [head, &middle.repeat(size / middle.len()), end]
        .concat()
        .into_bytes()
}

pub(super) fn ended(lines: &[u8]) -> Vec<u8> {
    [lines, b"# EOF\n"].concat()
}
