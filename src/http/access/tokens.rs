//! Bearer tokens in files, read again when the files change.
//!
//! Tokens are compared in constant time, and kept as keyed digests.

use crate::http::digest::{Digest, DigestKey};
use crate::http::file_backed::{FileBacked, Loaded, LoadedState};
use local_exporter_actors::BlockingPool;
use local_exporter_actors::host::lsm::denial_hint;
use local_exporter_actors::log_limit::{LogLimit, LogLine};
use local_exporter_config::{read_file, shown};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use subtle::ConstantTimeEq;

/// Largest size of a token file, in bytes.
const LARGEST_FILE: u64 = 16 * 1024;

/// The token in a file.
type Token = Result<Vec<u8>, String>;
/// What is kept of it.
type TokenDigest = Result<Digest, String>;

/// The tokens of all files that requests have needed and that are still configured.
#[derive(Debug)]
pub(super) struct Tokens {
    key: DigestKey,
    blocking: BlockingPool,
    files: Mutex<HashMap<PathBuf, Arc<FileBacked<TokenDigest>>>>,
}

impl Tokens {
    /// # Errors
    /// If there are no random bytes for the key of the digests.
    pub(super) fn new(blocking: BlockingPool) -> Result<Self, String> {
        Ok(Self {
            blocking,
            key: DigestKey::random()?,
            files: Mutex::default(),
        })
    }

    /// Compares a token with the one in a file.
    ///
    /// # Errors
    /// If the file cannot be used: a message for the client, without the path.
    pub(super) async fn matches(&self, file: &Path, token: &[u8]) -> Result<bool, String> {
        match &*self.token(file).get().await {
            Ok(expected) => Ok(bool::from(expected.ct_eq(&self.key.digest(&[token])))),
            Err(_) => Err("cannot read the token; see the log".into()),
        }
    }

    /// Forgets the tokens of all other files.
    pub(super) fn retain<'p>(&self, files: impl Iterator<Item = &'p Path>) {
        let files: HashSet<&Path> = files.collect();
        self.files()
            .retain(|file, _| files.contains(file.as_path()));
    }

    fn token(&self, file: &Path) -> Arc<FileBacked<TokenDigest>> {
        let mut tokens = self.files();
        if let Some(token) = tokens.get(file) {
            return Arc::clone(token);
        }
        let token = Arc::new(file_backed(
            file.to_owned(),
            self.key.clone(),
            &self.blocking,
        ));
        tokens.insert(file.to_owned(), Arc::clone(&token));
        token
    }

    fn files(&self) -> MutexGuard<'_, HashMap<PathBuf, Arc<FileBacked<TokenDigest>>>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The token of a file, not read yet.
fn file_backed(file: PathBuf, key: DigestKey, blocking: &BlockingPool) -> FileBacked<TokenDigest> {
    let unread = Arc::new(Err(String::new()));
    let errors = LogLimit::default();
    FileBacked::new(unread, blocking, move |last: &Arc<TokenDigest>| {
        let token = read(&file).map(|token| key.digest(&[&token]));
        if let Err(error) = &token
            && last.as_ref().as_ref().err() != Some(error)
            && let Some(suppressed) = errors.event().map(LogLine::suppressed)
        {
            tracing::error!(
                error,
                suppressed,
                "cannot use a bearer token; refusing requests that need it"
            );
        }
        Loaded {
            state: match token {
                Ok(_) => LoadedState::Valid,
                Err(_) => LoadedState::Invalid,
            },
            value: Arc::new(token),
            files: vec![file.clone()],
        }
    })
}

/// Reads the token in a file, without surrounding white space.
pub(super) fn read(file: &Path) -> Token {
    let text = read_file(file, LARGEST_FILE).map_err(|error| {
        let hint = denial_hint(file, &error);
        format!("{} cannot be read: {error}{hint}", shown(file))
    })?;
    match text.trim_ascii() {
        b"" => Err(format!("{} contains no token", shown(file))),
        token => Ok(token.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    #[tokio::test]
    async fn tokens_of_files_that_are_no_longer_configured_are_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let files = ["one", "two"].map(|name| folder.path().join(name));
        let tokens = Tokens::new(BlockingPool::start().unwrap()).unwrap();
        for file in &files {
            std::fs::write(file, "secret\n").unwrap();
            assert_eq!(tokens.matches(file, b"secret").await, Ok(true));
            assert_eq!(tokens.matches(file, b"other").await, Ok(false));
        }
        tokens.retain(std::iter::once(files[1].as_path()));
        let kept: Vec<PathBuf> = tokens.files().keys().cloned().collect();
        assert_eq!(kept, files[1..]);
    }
}
