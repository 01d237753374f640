//! Reads a whole file up to a limit, and neither pipes nor devices.
//!
//! A user who may write where a setting points can put something else there: a pipe without a
//! writer, or an endless device. Neither is opened (`InspectedFile`). A file system that hangs can
//! still block the caller, who needs a deadline for that.

use crate::inspect_file::InspectedFile;
use std::fs::Metadata;
use std::io::{Error, Read, Result};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

/// The device number of `/dev/null` (null(4)): major 1, minor 3.
const NULL_DEVICE: u64 = 0x103;

/// Reads all of a regular file of at most `limit` bytes. `/dev/null` is an empty file, by convention.
///
/// # Errors
/// Those of open(2) and read(2); a file that is not regular, or larger than the limit.
pub fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let found = InspectedFile::at(path)?;
    if is_null(found.metadata()) {
        return Ok(Vec::new());
    }
    if !found.metadata().is_file() {
        return Err(Error::other("not a regular file"));
    }
    let file = found.open(path)?;
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(Error::other(format!("larger than {limit} bytes")));
    }
    Ok(bytes)
}

fn is_null(about: &Metadata) -> bool {
    about.file_type().is_char_device() && about.rdev() == NULL_DEVICE
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;
    use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};
    use rustix::io::Errno;
    use std::fs::File;
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
        // The writer of the pipe is still without a reader.
        let flags = OFlags::WRONLY | OFlags::NONBLOCK;
        let writer = rustix::fs::open(at("pipe"), flags, Mode::empty());
        assert_eq!(writer.unwrap_err(), Errno::NXIO);
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
