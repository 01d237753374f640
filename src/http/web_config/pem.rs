//! PEM texts, written in the web configuration or in files that it names.
//!
//! Reading blocks. An error names the key and the file and quotes no content.

use super::error::LARGEST_FILE;
use local_exporter_actors::host::lsm::denial_hint;
use local_exporter_config::{read_file, shown};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fmt;
use std::path::{Path, PathBuf};

/// Where a PEM text is.
pub(super) enum Pem {
    /// In the web configuration.
    Inline(String),
    /// In a file of its own.
    File(PathBuf),
}

impl fmt::Debug for Pem {
    /// Hides inline text, which may be a private key.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline(_) => formatter.write_str("Inline"),
            Self::File(path) => write!(formatter, "File({path:?})"),
        }
    }
}

impl Pem {
    /// Prefers the file if both are set, as the toolkit does. Empty values count as unset.
    pub(super) fn choose(
        inline: Option<String>,
        file: Option<String>,
        directory: &Path,
    ) -> Option<Self> {
        let file = file.filter(|file| !file.is_empty());
        let inline = inline.filter(|inline| !inline.is_empty());
        match file {
            Some(file) => Some(Self::File(directory.join(file))),
            None => inline.map(Self::Inline),
        }
    }

    pub(super) fn file(&self) -> Option<&PathBuf> {
        match self {
            Self::Inline(_) => None,
            Self::File(path) => Some(path),
        }
    }

    /// Returns the text, and its name for error messages.
    fn read(&self, what: &str) -> Result<(Vec<u8>, String), String> {
        match self {
            Self::Inline(text) => Ok((text.clone().into_bytes(), what.to_owned())),
            Self::File(path) => {
                let name = format!("{what}_file {}", shown(path));
                match read_file(path, LARGEST_FILE) {
                    Ok(text) => Ok((text, name)),
                    Err(error) => {
                        let denial = denial_hint(path, &error);
                        Err(format!("{name} cannot be read: {error}{denial}"))
                    }
                }
            }
        }
    }

    /// Returns all certificates in the text: at least one.
    pub(super) fn certificates(&self, what: &str) -> Result<Vec<CertificateDer<'static>>, String> {
        let (text, name) = self.read(what)?;
        let certificates = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>();
        match certificates {
            Ok(certificates) if !certificates.is_empty() => Ok(certificates),
            Ok(_) => Err(format!("{name} contains no certificate in PEM form")),
            Err(error) => Err(format!("{name} is not in PEM form: {error}")),
        }
    }

    /// Returns the first private key in the text.
    pub(super) fn private_key(&self) -> Result<PrivateKeyDer<'static>, String> {
        let (text, name) = self.read("key")?;
        PrivateKeyDer::from_pem_slice(&text)
            .map_err(|error| format!("{name} contains no private key in PEM form: {error}"))
    }
}
