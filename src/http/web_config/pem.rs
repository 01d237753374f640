//! PEM texts, written in the web configuration or in files that it names.
//!
//! Reading blocks. An error names the key and the file and quotes no content.

use super::error::LARGEST_FILE;
use local_exporter_actors::host::lsm::denial_hint;
use local_exporter_config::{read_file, shown};
use rustls::pki_types::pem::{Error, PemObject};
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
        let key = PrivateKeyDer::from_pem_slice(&text);
        key.map_err(|error| match error {
            _ if is_encrypted(&text) => format!(
                "{name} contains an encrypted private key, for which there is no password; decrypt it \
                 with `openssl pkey -in ENCRYPTED -out KEY`"
            ),
            Error::NoItemsFound => format!("{name} contains no private key in PEM form"),
            error => format!("{name} contains no private key in PEM form: {error}"),
        })
    }
}

/// Whether a text contains an encrypted private key: of PKCS #8 (RFC 7468), or of the older form with
/// encryption headers (RFC 1421).
fn is_encrypted(text: &[u8]) -> bool {
    let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    lines.any(|line| {
        line == b"-----BEGIN ENCRYPTED PRIVATE KEY-----" || line == b"Proc-Type: 4,ENCRYPTED"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encrypted_private_key_is_reported_as_such() {
        let refused = |text: &str| Pem::Inline(text.to_owned()).private_key().unwrap_err();
        for encrypted in [
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n",
            "-----BEGIN RSA PRIVATE KEY-----\r\nProc-Type: 4,ENCRYPTED\r\n\
             DEK-Info: AES-256-CBC,00\r\n\r\nMAA=\r\n-----END RSA PRIVATE KEY-----\r\n",
        ] {
            assert!(
                refused(encrypted).contains("encrypted private key"),
                "{encrypted}"
            );
        }
        assert_eq!(refused("no PEM"), "key contains no private key in PEM form");
    }
}
