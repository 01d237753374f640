//! Inspects what a path leads to before it is opened for reading.
//!
//! Opening has side effects: it releases the blocked writer of a pipe, whose next write then fails,
//! and it can start a device, such as a tape drive or a watchdog. A file is therefore opened with
//! `O_PATH` (open(2)), which has none, and is inspected. The same file is then opened for reading, by its
//! descriptor in `/proc` (proc(5)). A path that is exchanged in between changes nothing.

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use std::fs::{File, Metadata};
use std::io::{Error, Result};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Where the descriptors of this process are files.
const OWN_DESCRIPTORS: &str = "/proc/self/fd";

/// A file, a directory or something else that was found but not opened for reading.
#[derive(Debug)]
pub struct InspectedFile {
    /// Opened with `O_PATH`.
    file: File,
    metadata: Metadata,
}

impl InspectedFile {
    /// Inspects what a path leads to, following links. Does not wait for the other end of a pipe.
    ///
    /// # Errors
    /// Those of open(2) and fstat(2).
    pub fn at(path: &Path) -> Result<Self> {
        Self::of(open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?)
    }

    /// Inspects what a descriptor refers to that was opened with `O_PATH`.
    ///
    /// # Errors
    /// Those of fstat(2).
    pub fn of(descriptor: OwnedFd) -> Result<Self> {
        let file = File::from(descriptor);
        let metadata = file.metadata()?;
        Ok(Self { file, metadata })
    }

    /// What was found.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Opens the same file for reading. `path` is used only where `/proc` is not mounted; then another
    /// file at that path is an error.
    ///
    /// # Errors
    /// Those of open(2) and fstat(2).
    pub fn open(&self, path: &Path) -> Result<File> {
        let own = Path::new(OWN_DESCRIPTORS).join(self.file.as_raw_fd().to_string());
        match open_for_reading(&own) {
            // The descriptor exists, so `/proc` does not.
            Err(Errno::NOENT | Errno::NOTDIR) => self.open_by_path(path),
            opened => self.the_same(opened?),
        }
    }

    fn open_by_path(&self, path: &Path) -> Result<File> {
        self.the_same(open_for_reading(path)?)
    }

    /// Refuses another file, which may be one that must not be opened.
    fn the_same(&self, opened: OwnedFd) -> Result<File> {
        let opened = File::from(opened);
        let identity = |metadata: &Metadata| (metadata.dev(), metadata.ino());
        if identity(&opened.metadata()?) == identity(&self.metadata) {
            Ok(opened)
        } else {
            Err(Error::other("replaced while it was opened"))
        }
    }
}

/// Opens a file without waiting for the other end if it is a pipe after all.
fn open_for_reading(path: &Path) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    open(path, flags, Mode::empty())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;
    use rustix::fs::{CWD, FileType, mknodat};
    use std::fs;
    use std::io::Read;
    use std::os::unix::fs::FileTypeExt;

    #[test]
    fn inspecting_a_pipe_does_not_release_its_writer() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let found = InspectedFile::at(&pipe).unwrap();
        assert!(found.metadata().file_type().is_fifo());
        // The error of a writer without a reader (fifo(7)); it would block without O_NONBLOCK.
        let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let writer = open(&pipe, flags, Mode::empty());
        assert_eq!(writer.unwrap_err(), Errno::NXIO);
    }

    #[test]
    fn the_file_that_was_inspected_is_opened_although_its_path_was_exchanged() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "before").unwrap();
        fs::write(at("other"), "after").unwrap();
        let found = InspectedFile::at(&at("file")).unwrap();
        fs::rename(at("other"), at("file")).unwrap();
        let mut text = String::new();
        let mut file = found.open(&at("file")).unwrap();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "before");
    }

    #[test]
    fn without_proc_another_file_at_the_path_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "before").unwrap();
        let found = InspectedFile::at(&at("file")).unwrap();
        assert!(found.open_by_path(&at("file")).is_ok());
        fs::write(at("other"), "after").unwrap();
        fs::rename(at("other"), at("file")).unwrap();
        let error = found.open_by_path(&at("file")).unwrap_err();
        assert_eq!(error.to_string(), "replaced while it was opened");
    }
}
