//! The part of the FUSE protocol (`linux/fuse.h`) that a directory with one file needs.
//!
//! Unknown requests get the error "not implemented", which the kernel accepts. This module
//! turns requests into replies; it does no I/O and has no state.

use std::time::{Duration, UNIX_EPOCH};

/// The node number of the root directory, fixed by the protocol.
const ROOT: u64 = 1;
/// The node number of the only file.
const FILE: u64 = 2;

/// The operations that are implemented, by their number in the protocol.
mod operation {
    pub(super) const LOOKUP: u32 = 1;
    pub(super) const FORGET: u32 = 2;
    pub(super) const GETATTR: u32 = 3;
    pub(super) const OPEN: u32 = 14;
    pub(super) const READ: u32 = 15;
    pub(super) const STATFS: u32 = 17;
    pub(super) const RELEASE: u32 = 18;
    pub(super) const FLUSH: u32 = 25;
    pub(super) const INIT: u32 = 26;
    pub(super) const OPENDIR: u32 = 27;
    pub(super) const READDIR: u32 = 28;
    pub(super) const RELEASEDIR: u32 = 29;
    pub(super) const INTERRUPT: u32 = 36;
    pub(super) const BATCH_FORGET: u32 = 42;
}

/// The content of the directory.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    /// The time of the last change, since the epoch.
    pub(crate) modified: Duration,
}

impl Content {
    pub(crate) fn new(name: &str, bytes: &[u8]) -> Self {
        let now = std::time::SystemTime::now();
        Self {
            name: name.to_owned(),
            bytes: bytes.to_owned(),
            modified: now.duration_since(UNIX_EPOCH).unwrap_or_default(),
        }
    }
}

/// The complete reply to a request; `None` if the operation has no reply.
pub(crate) fn reply(request: &[u8], content: &Content) -> Option<Vec<u8>> {
    // `struct fuse_in_header`: length, operation, unique number, node, and the credentials of the
    // caller.
    let (operation, node) = (number(request, 4, 4), number(request, 16, 8));
    let arguments = request.get(40..).unwrap_or_default();
    let body = match u32::try_from(operation).unwrap_or(0) {
        operation::FORGET | operation::BATCH_FORGET | operation::INTERRUPT => return None,
        operation::INIT => Ok(init()),
        operation::LOOKUP => lookup(arguments, content),
        operation::GETATTR => Ok(numbers(&[(0, 8), (0, 8)], &attributes(node, content))),
        // No handle, and direct I/O: the kernel caches nothing and requests the bytes each time.
        operation::OPEN | operation::OPENDIR => Ok(numbers(&[(0, 8), (1, 4), (0, 4)], &[])),
        operation::READ => Ok(slice(&content.bytes, arguments)),
        operation::READDIR if number(arguments, 8, 8) == 0 => Ok(entries(content)),
        operation::READDIR => Ok(Vec::new()),
        operation::RELEASE | operation::RELEASEDIR | operation::FLUSH => Ok(Vec::new()),
        operation::STATFS => Ok(vec![0; 80]),
        _ => Err(rustix::io::Errno::NOSYS),
    };
    let (error, body) = match body {
        Ok(body) => (0, body),
        Err(error) => (-error.raw_os_error(), Vec::new()),
    };
    // `struct fuse_out_header`
    let mut reply = u32::try_from(16 + body.len()).ok()?.to_ne_bytes().to_vec();
    reply.extend(error.to_ne_bytes());
    reply.extend(request.get(8..16)?);
    reply.extend(body);
    Some(reply)
}

/// An integer of the given width in a request.
fn number(request: &[u8], at: usize, size: usize) -> u64 {
    let mut bytes = [0; 8];
    for (to, from) in bytes.iter_mut().zip(request.iter().skip(at).take(size)) {
        *to = *from;
    }
    u64::from_le_bytes(bytes)
}

/// Integers with their widths, and what follows them.
fn numbers(numbers: &[(u64, usize)], rest: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (number, size) in numbers {
        bytes.extend(number.to_le_bytes().iter().take(*size));
    }
    bytes.extend(rest);
    bytes
}

/// `struct fuse_init_out`: version 7.31, no optional features.
fn init() -> Vec<u8> {
    let large = 128 * 1024;
    let words = [
        (7, 4),
        (31, 4),
        (large, 4),
        (0, 4),
        (16, 2),
        (12, 2),
        (large, 4),
        (1, 4),
    ];
    numbers(&words, &[0; 32])
}

/// `struct fuse_entry_out`, with validity times of zero, so that the kernel caches nothing.
fn lookup(name: &[u8], content: &Content) -> Result<Vec<u8>, rustix::io::Errno> {
    let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
    if name != content.name.as_bytes() {
        return Err(rustix::io::Errno::NOENT);
    }
    let entry = [(FILE, 8), (0, 8), (0, 8), (0, 8), (0, 8)];
    Ok(numbers(&entry, &attributes(FILE, content)))
}

/// `struct fuse_attr`
fn attributes(node: u64, content: &Content) -> Vec<u8> {
    let (mode, size) = match node {
        ROOT => (0o040_755, 0),
        _ => (0o100_644, content.bytes.len() as u64),
    };
    let seconds = content.modified.as_secs();
    let nanoseconds = u64::from(content.modified.subsec_nanos());
    let times = [(seconds, 8); 3].into_iter().chain([(nanoseconds, 4); 3]);
    let mut words = vec![(node, 8), (size, 8), (1, 8)];
    words.extend(times);
    // Mode, links, owner, group, device, block size, flags.
    words.extend([(mode, 4), (1, 4), (0, 4), (0, 4), (0, 4), (4096, 4), (0, 4)]);
    numbers(&words, &[])
}

/// The directory: one `struct fuse_dirent`, with the offset of the next one.
fn entries(content: &Content) -> Vec<u8> {
    const REGULAR: u64 = 8;
    let name = content.name.as_bytes();
    let mut entry = numbers(
        &[(FILE, 8), (1, 8), (name.len() as u64, 4), (REGULAR, 4)],
        name,
    );
    entry.resize(entry.len().next_multiple_of(8), 0);
    entry
}

/// The range of the bytes that `struct fuse_read_in` requests.
fn slice(bytes: &[u8], arguments: &[u8]) -> Vec<u8> {
    let place = |at, size| usize::try_from(number(arguments, at, size)).unwrap_or(usize::MAX);
    let (offset, size) = (place(8, 8), place(16, 4));
    bytes.iter().copied().skip(offset).take(size).collect()
}
