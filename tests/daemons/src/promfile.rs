//! Writes an exposition to a file, correctly or in one of the ways that go wrong.
//!
//! Guarantees: [`PromFile::write`] never exposes half a text, because it writes a temporary file in
//! the same directory and renames it. The other methods exist to test how the exporter reads files
//! that are not replaced atomically. Creates no directories and deletes nothing when dropped: a
//! file that outlives its daemon is a case to test.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A file that a daemon writes its metrics to.
#[derive(Debug, Clone)]
pub struct PromFile {
    path: PathBuf,
}

impl PromFile {
    /// Names the file; does not touch it yet.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces the file atomically: a temporary file in the same directory, then a rename. All
    /// users may read the file (mode 0644, minus the umask); its directory decides who can reach
    /// it.
    ///
    /// # Errors
    ///
    /// If the directory is missing or not writable; the message names the path.
    pub fn write(&self, text: &[u8]) -> io::Result<()> {
        self.replace(text).map_err(|error| self.explain(&error))
    }

    fn replace(&self, text: &[u8]) -> io::Result<()> {
        let directory = match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        // The leading dot keeps the temporary file out of patterns such as `*.promfile`.
        let mut temporary = tempfile::Builder::new()
            .prefix(".promfile-")
            .suffix(".tmp")
            .permissions(Permissions::from_mode(0o644))
            .tempfile_in(directory)?;
        temporary.write_all(text)?;
        temporary.persist(&self.path)?;
        Ok(())
    }

    /// Overwrites the file in place, in one write: a reader may see it empty.
    ///
    /// # Errors
    ///
    /// Those of opening and writing; the message names the path.
    pub fn write_in_place(&self, text: &[u8]) -> io::Result<()> {
        fs::write(&self.path, text).map_err(|error| self.explain(&error))
    }

    /// Overwrites the file in place in two writes and calls `between` while only the first half is
    /// written.
    ///
    /// # Errors
    ///
    /// Those of opening and writing; the message names the path.
    pub fn write_by_halves(&self, text: &[u8], between: impl FnOnce()) -> io::Result<()> {
        let (first, second) = text.split_at(text.len() / 2);
        let write = || {
            let mut file = fs::File::create(&self.path)?;
            file.write_all(first)?;
            between();
            file.write_all(second)
        };
        write().map_err(|error| self.explain(&error))
    }

    /// Leaves only the first `keep` bytes of `text` in the file, like a writer that died.
    ///
    /// # Errors
    ///
    /// Those of opening and writing; the message names the path.
    pub fn write_truncated(&self, text: &[u8], keep: usize) -> io::Result<()> {
        self.write_in_place(text.get(..keep).unwrap_or(text))
    }

    /// Truncates the file to `length` bytes; a greater length extends it with zero bytes.
    ///
    /// # Errors
    ///
    /// Those of opening and truncating; the message names the path.
    pub fn truncate(&self, length: u64) -> io::Result<()> {
        File::options()
            .write(true)
            .open(&self.path)
            .and_then(|file| file.set_len(length))
            .map_err(|error| self.explain(&error))
    }

    /// Removes the file.
    ///
    /// # Errors
    ///
    /// Those of `unlink`, including that there is no such file; the message names the path.
    pub fn remove(&self) -> io::Result<()> {
        fs::remove_file(&self.path).map_err(|error| self.explain(&error))
    }

    fn explain(&self, error: &io::Error) -> io::Error {
        let path = self.path.display();
        let hint = match error.kind() {
            io::ErrorKind::NotFound => "; create its directory first",
            _ => "",
        };
        io::Error::new(error.kind(), format!("cannot write {path}: {error}{hint}"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        reason = "a test fails by panicking, at the line that is wrong"
    )]
    use super::PromFile;
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    #[test]
    fn write_replaces_the_inode_and_leaves_no_temporary() {
        let directory = tempfile::tempdir().unwrap();
        let file = PromFile::new(directory.path().join("metrics.promfile"));
        file.write(b"a 1\n").unwrap();
        let before = fs::metadata(file.path()).unwrap();
        // Held open, so that the new file cannot get its inode number.
        let _held = fs::File::open(file.path()).unwrap();
        file.write(b"a 2\n").unwrap();
        let after = fs::metadata(file.path()).unwrap();
        assert_ne!(before.ino(), after.ino());
        assert_eq!(after.permissions().mode() & 0o400, 0o400);
        assert_eq!(fs::read(file.path()).unwrap(), b"a 2\n");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn halves_truncated_and_removed() {
        let directory = tempfile::tempdir().unwrap();
        let file = PromFile::new(directory.path().join("metrics.promfile"));
        let mut seen = Vec::new();
        file.write_by_halves(b"a 1\nb 2\n", || seen = fs::read(file.path()).unwrap())
            .unwrap();
        assert_eq!(seen, b"a 1\n");
        assert_eq!(fs::read(file.path()).unwrap(), b"a 1\nb 2\n");
        file.write_truncated(b"a 1\nb 2\n", 5).unwrap();
        assert_eq!(fs::read(file.path()).unwrap(), b"a 1\nb");
        file.truncate(2).unwrap();
        assert_eq!(fs::read(file.path()).unwrap(), b"a ");
        file.remove().unwrap();
        assert!(!file.path().exists());
    }

    #[test]
    fn a_missing_directory_is_reported_and_not_created() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("missing");
        let error = PromFile::new(missing.join("metrics.promfile"))
            .write(b"")
            .unwrap_err();
        assert!(
            error.to_string().contains("create its directory first"),
            "{error}"
        );
        assert!(!missing.exists());
    }
}
