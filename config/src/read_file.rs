//! Reads a whole file without blocking on pipes and devices, and up to a limit.
//!
//! A user who may write where a setting points can put something else there: a pipe without a
//! writer, or an endless device. Neither is opened in blocking mode (`O_NONBLOCK`, open(2)),
//! nor read. A file system that hangs can still block the caller, who needs a deadline for that.

use rustix::fs::OFlags;
use rustix::io::Errno;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{Error, Read, Result};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

/// The device number of `/dev/null` (null(4)): major 1, minor 3.
const NULL_DEVICE: u64 = 0x103;

/// Opens a file for reading. A pipe without a writer does not block.
///
/// # Errors
/// Those of open(2).
pub fn open_nonblocking(path: &Path) -> Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
}

/// Reads all of a regular file of at most `limit` bytes. `/dev/null` is an empty file, by convention.
///
/// # Errors
/// Those of open(2) and read(2); a file that is not regular, or larger than the limit.
pub fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>> {
    // Opening has side effects for the writer of a pipe and for devices, so check before.
    if !is_readable(&std::fs::metadata(path)?) {
        return Err(not_regular());
    }
    let file = open_nonblocking(path).map_err(|error| match Errno::from_io_error(&error) {
        // open(2) fails for a socket.
        Some(Errno::NXIO) => not_regular(),
        _ => error,
    })?;
    // The path may name another file by now.
    if !is_readable(&file.metadata()?) {
        return Err(not_regular());
    }
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(Error::other(format!("larger than {limit} bytes")));
    }
    Ok(bytes)
}

fn is_readable(about: &Metadata) -> bool {
    about.is_file() || about.file_type().is_char_device() && about.rdev() == NULL_DEVICE
}

fn not_regular() -> Error {
    Error::other("not a regular file")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    use std::os::unix::net::UnixListener;

    #[test]
    fn only_regular_files_are_opened_and_read() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        mknodat(CWD, at("pipe"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let _socket = UnixListener::bind(at("socket")).unwrap();
        std::os::unix::fs::symlink("/dev/zero", at("endless")).unwrap();
        for name in ["pipe", "socket", "endless", ""] {
            let error = read_file(&at(name), 10).unwrap_err();
            assert_eq!(error.to_string(), "not a regular file", "{name}");
        }
        assert_eq!(read_file(Path::new("/dev/null"), 10).unwrap(), b"");
    }

    #[test]
    fn a_file_is_read_up_to_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "0123456789").unwrap();
        assert_eq!(read_file(&file, 10).unwrap(), b"0123456789");
        let error = read_file(&file, 9).unwrap_err();
        assert_eq!(error.to_string(), "larger than 9 bytes");
        // Far larger than the limit.
        let sparse = File::create(folder.path().join("sparse")).unwrap();
        sparse.set_len(1 << 40).unwrap();
        assert!(read_file(&folder.path().join("sparse"), 10).is_err());
        let absent = read_file(&folder.path().join("absent"), 10).unwrap_err();
        assert_eq!(absent.kind(), std::io::ErrorKind::NotFound);
    }
}
