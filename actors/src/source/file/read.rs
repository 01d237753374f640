//! Reads one file completely, as one consistent version, without waiting for other processes.
//!
//! Blocks, so it runs on the blocking pool. A file that changes while it is read
//! is read again. Only regular files are opened: opening a FIFO would release its
//! blocked writer.

use super::body::{Content, Expected, read_body};
use super::error::failed;
use super::origin::Origin;
use super::version::{Stamp, Version};
use crate::host::mounts::is_deleted;
use crate::reason::Reason;
use crate::scrape::ScrapeError;
use crate::secret_files::SecretIdentities;
use local_exporter_config::shown;
use std::fs::{File, FileType};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::time::SystemTime;

/// The number of attempts to read a file that changes while it is read.
const ATTEMPTS: usize = 3;

/// The last line of an OpenMetrics body, and the end of the line before it.
const EOF_LINE: &[u8] = b"\n# EOF\n";

/// Reads a file within the limits of what is expected. Blocks.
///
/// # Errors
/// `denied` if a link is not followed or the file has a secret of the exporter, `unsuitable` if it is not a regular file, `too_large`, `truncated` if it changed during each
/// attempt, and the reasons of operating system errors.
pub(super) fn read(
    path: &Path,
    opener: Opener<'_>,
    expected: Expected<'_>,
) -> Result<(Version, Content), ScrapeError> {
    let mut deleted = None;
    for _ in 0..ATTEMPTS {
        let read_at = SystemTime::now();
        let mut file = opener.open(path)?;
        let look_up = |file: &File| {
            let metadata = file.metadata();
            metadata.map_err(|error| failed("cannot access", path, &error))
        };
        let before = look_up(&file)?;
        if is_deleted(&before) {
            // It was replaced a moment ago, unless its path leads to the same deleted file again.
            if deleted.replace(before.ino()) == Some(before.ino()) {
                return Err(deleted_and_mounted(path));
            }
            continue;
        }
        if let Some(known) = expected.contents.result_of(&Stamp::of(&before)) {
            return Ok((Version::of(&before, read_at), Content::Known(known.clone())));
        }
        let content = read_body(&mut file, path, before.size(), expected)?;
        let after = look_up(&file)?;
        let is_whole = match &content {
            Content::Read(body) => body.len() as u64 == after.size(),
            Content::Invalid(_) | Content::Known(_) => true,
        };
        if Stamp::of(&before) == Stamp::of(&after) && is_whole {
            return Ok((Version::of(&after, read_at), content));
        }
    }
    let message = format!("{} changed each time while it was read", shown(path));
    Err(ScrapeError::new(Reason::Truncated, message))
}

/// Opens files that a source may read.
#[derive(Clone, Copy)]
pub(super) struct Opener<'o> {
    pub(super) origin: &'o Origin,
    pub(super) secrets: &'o SecretIdentities,
}

impl Opener<'_> {
    /// Opens a file if it is a regular one, and not one with a secret of the exporter.
    fn open(self, path: &Path) -> Result<File, ScrapeError> {
        let found = self.origin.inspect(path);
        let found = found.map_err(|error| error.into_scrape_error("cannot open", path))?;
        let metadata = found.metadata();
        if !metadata.is_file() {
            return Err(not_regular(path, metadata.file_type()));
        }
        if self.secrets.contain(metadata.dev(), metadata.ino()) {
            return Err(secret(path));
        }
        let failed = |error: io::Error| failed("cannot open", path, &error);
        found.open(path).map_err(failed)
    }

    /// Whether the last line of a file is `# EOF`, which ends an OpenMetrics body. Blocks.
    pub(super) fn finds_eof(self, path: &Path) -> bool {
        let finds = || -> Option<bool> {
            let mut file = self.open(path).ok()?;
            let size = file.metadata().ok()?.len();
            let most = EOF_LINE.len() as u64;
            file.seek(SeekFrom::Start(size.saturating_sub(most))).ok()?;
            let mut end = Vec::with_capacity(EOF_LINE.len());
            file.take(most).read_to_end(&mut end).ok()?;
            let line = end.strip_suffix(b"\n").unwrap_or(&end);
            Some(line == EOF_LINE.trim_ascii() || line.ends_with(EOF_LINE.trim_ascii_end()))
        };
        finds().unwrap_or(false)
    }
}

fn secret(path: &Path) -> ScrapeError {
    let message = format!(
        "{} is a token, key or web configuration file of the exporter, which no selector serves",
        shown(path)
    );
    ScrapeError::new(Reason::Denied, message)
}

fn deleted_and_mounted(path: &Path) -> ScrapeError {
    failed("cannot read", path, &io::ErrorKind::NotFound.into())
}

fn not_regular(path: &Path, kind: FileType) -> ScrapeError {
    let hint = if kind.is_socket() {
        "; it is a socket, which kind \"uds\" reads"
    } else {
        ""
    };
    let message = format!("{} is not a regular file{hint}", shown(path));
    ScrapeError::new(Reason::Unsuitable, message)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;
    use std::os::unix::net::UnixListener;

    #[test]
    fn the_error_of_a_socket_that_is_read_as_a_file_names_the_kind_to_use() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sock");
        let _listener = UnixListener::bind(&path).unwrap();
        let of = |path: &Path| not_regular(path, path.metadata().unwrap().file_type()).message;
        assert!(of(&path).ends_with("; it is a socket, which kind \"uds\" reads"));
        assert!(of(folder.path()).ends_with(" is not a regular file"));
    }
}
