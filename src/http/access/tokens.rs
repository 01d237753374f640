//! Bearer tokens in files, read again when the files change.
//!
//! Tokens are compared in constant time.

use crate::http::file_backed::{FileBacked, Loaded, LoadedState};
use local_exporter_actors::host::lsm::denial_hint;
use local_exporter_config::read_file;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use subtle::ConstantTimeEq;

/// Largest size of a token file, in bytes.
const LARGEST_FILE: u64 = 16 * 1024;

type Token = Result<Vec<u8>, String>;

/// The tokens of all files that requests have needed since startup.
#[derive(Debug, Default)]
pub(super) struct Tokens(Mutex<HashMap<PathBuf, Arc<FileBacked<Token>>>>);

impl Tokens {
    /// Compares a token with the one in a file.
    ///
    /// # Errors
    /// If the file cannot be used: a message for the client, without the path.
    pub(super) async fn matches(&self, file: &Path, token: &[u8]) -> Result<bool, String> {
        match &*self.token(file).get().await {
            Ok(expected) => Ok(bool::from(expected.ct_eq(token))),
            Err(_) => Err("cannot read the token; see the log".into()),
        }
    }

    fn token(&self, file: &Path) -> Arc<FileBacked<Token>> {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(token) = tokens.get(file) {
            return Arc::clone(token);
        }
        let token = Arc::new(file_backed(file.to_owned()));
        tokens.insert(file.to_owned(), Arc::clone(&token));
        token
    }
}

/// The token of a file, not read yet.
fn file_backed(file: PathBuf) -> FileBacked<Token> {
    let unread = Arc::new(Err(String::new()));
    FileBacked::new(unread, move |last: &Arc<Token>| {
        let token = read(&file);
        if let Err(error) = &token
            && last.as_ref() != &token
        {
            tracing::error!(
                error,
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
        format!("{} cannot be read: {error}{hint}", file.display())
    })?;
    match text.trim_ascii() {
        b"" => Err(format!("{} contains no token", file.display())),
        token => Ok(token.to_owned()),
    }
}
