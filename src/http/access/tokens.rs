//! Tokens in files, read again when the files change.
//!
//! A token is compared in a time that does not depend on where it differs.

use crate::http::web_config::fresh::{Fresh, Made, MadeState};
use local_exporter_actors::host::lsm::denial_hint;
use local_exporter_config::read_file;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use subtle::ConstantTimeEq;

/// The most a file with a token may hold, in bytes.
const LARGEST: u64 = 16 * 1024;

type Token = Result<Vec<u8>, String>;

/// The tokens of all files that were ever configured.
#[derive(Debug, Default)]
pub(super) struct Tokens(Mutex<HashMap<PathBuf, Arc<Fresh<Token>>>>);

impl Tokens {
    /// Whether a token is the one in a file.
    ///
    /// # Errors
    /// When the file cannot be used: a sentence for the client, without the path.
    pub(super) async fn is_right(&self, file: &Path, token: &[u8]) -> Result<bool, String> {
        match &*self.token(file).await.get().await {
            Ok(expected) => Ok(bool::from(expected.ct_eq(token))),
            Err(_) => Err("the token cannot be read; the log says why".into()),
        }
    }

    async fn token(&self, file: &Path) -> Arc<Fresh<Token>> {
        let tokens = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(token) = tokens().get(file) {
            return Arc::clone(token);
        }
        let token = Arc::new(fresh(file.to_owned()));
        Arc::clone(tokens().entry(file.to_owned()).or_insert(token))
    }
}

/// The token of a file, not looked at yet.
fn fresh(file: PathBuf) -> Fresh<Token> {
    let unread = Arc::new(Err(String::new()));
    Fresh::new(unread, move |last: &Arc<Token>| {
        let token = read(&file);
        if let Err(error) = &token
            && last.as_ref() != &token
        {
            tracing::error!(error, "a token cannot be used: whoever needs it is refused");
        }
        Made {
            state: match token {
                Ok(_) => MadeState::Good,
                Err(_) => MadeState::Wrong,
            },
            value: Arc::new(token),
            files: vec![file.clone()],
        }
    })
}

/// The token in a file, without the blanks around it.
pub(super) fn read(file: &Path) -> Token {
    let text = read_file(file, LARGEST).map_err(|error| {
        let denial = denial_hint(file, &error);
        format!("{} cannot be read: {error}{denial}", file.display())
    })?;
    match text.trim_ascii() {
        b"" => Err(format!("{} holds no token", file.display())),
        token => Ok(token.to_owned()),
    }
}
