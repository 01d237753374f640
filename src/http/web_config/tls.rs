//! TLS settings: checked when the web configuration is parsed, then combined with the
//! certificates that the files currently contain.
//!
//! [`Tls::server_config`] reads files and blocks. `client_certificates` decides about the
//! certificates of clients.

use super::client_certificates::{Authority, ClientCertificates};
use super::document::TlsServer;
use super::pem::Pem;
use super::tls_names;
use rustls::crypto::{CryptoProvider, SupportedKxGroup, ring};
use rustls::server::ResolvesServerCert;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{CertificateError, Error};
use rustls::{ServerConfig, SupportedCipherSuite, SupportedProtocolVersion};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How connections are protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protection {
    /// Not at all.
    Plain,
    /// With TLS.
    Tls,
}

/// Checked TLS settings.
#[derive(Debug)]
pub(super) struct Tls {
    certificate: Pem,
    key: Pem,
    clients: ClientCertificates,
    versions: &'static [&'static SupportedProtocolVersion],
    suites: Vec<SupportedCipherSuite>,
    curves: Vec<&'static dyn SupportedKxGroup>,
    order: CipherOrder,
    http2: bool,
}

/// Which side's preference selects the cipher suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CipherOrder {
    Server,
    Client,
}

impl Tls {
    /// Checks the settings. Returns `None` if no key that turns TLS on is set.
    pub(super) fn check(
        written: TlsServer,
        http2: bool,
        directory: &Path,
    ) -> Result<Option<Self>, String> {
        let mode = written.client_auth_type.unwrap_or_default();
        let certificate = Pem::choose(written.cert, written.cert_file, directory);
        let key = Pem::choose(written.key, written.key_file, directory);
        let authority = Pem::choose(written.client_ca, written.client_ca_file, directory);
        let versions = tls_names::versions(
            written.min_version.as_deref(),
            written.max_version.as_deref(),
        )?;
        let suites =
            tls_names::cipher_suites(&written.cipher_suites.unwrap_or_default(), versions)?;
        let curves = tls_names::curves(&written.curve_preferences.unwrap_or_default())?;
        let on = certificate.is_some() || key.is_some() || authority.is_some() || !mode.is_empty();
        if !on {
            return Ok(None);
        }
        let sans = written.client_allowed_sans.unwrap_or_default();
        Ok(Some(Self {
            certificate: certificate.ok_or("missing one of cert or cert_file")?,
            key: key.ok_or("missing one of key or key_file")?,
            clients: ClientCertificates::check(&mode, authority.map(Authority), sans)?,
            versions,
            suites,
            curves,
            order: match written.prefer_server_cipher_suites {
                Some(false) => CipherOrder::Client,
                Some(true) | None => CipherOrder::Server,
            },
            http2,
        }))
    }

    /// The files with certificates and keys.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let authority = self.clients.authority().map(|Authority(pem)| pem);
        let all = [Some(&self.certificate), Some(&self.key), authority];
        let files = all.into_iter().flatten().filter_map(Pem::file);
        files.cloned().collect()
    }

    /// Reads certificates and keys and builds the settings of handshakes.
    ///
    /// # Errors
    /// An unusable file, or a key that does not belong to the certificate.
    pub(super) fn server_config(&self) -> Result<Arc<ServerConfig>, String> {
        let provider = Arc::new(CryptoProvider {
            cipher_suites: self.suites.clone(),
            kx_groups: self.curves.clone(),
            ..ring::default_provider()
        });
        let resolver = self.certified_key(&provider)?;
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(self.versions)
            .map_err(|error| format!("incompatible TLS versions and cipher suites: {error}"))?;
        let builder = match self.clients.verifier(&provider)? {
            Some(verifier) => builder.with_client_cert_verifier(verifier),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(resolver);
        config.ignore_client_order = self.order == CipherOrder::Server;
        config.alpn_protocols = match self.http2 {
            true => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            false => vec![b"http/1.1".to_vec()],
        };
        Ok(Arc::new(config))
    }

    fn certified_key(
        &self,
        provider: &CryptoProvider,
    ) -> Result<Arc<dyn ResolvesServerCert>, String> {
        let chain = self.certificate.certificates("cert")?;
        let key = self.key.private_key()?;
        let certified = CertifiedKey::from_der(chain, key, provider)
            .map_err(|error| format!("cannot use the certificate with the key: {error}"))?;
        Ok(Arc::new(SingleCertAndKey::from(certified)))
    }
}

/// Describes why a handshake failed. rustls shows the error of a verifier in debug notation.
#[must_use]
pub(crate) fn handshake_error(error: &std::io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    match inner {
        Some(Error::InvalidCertificate(CertificateError::Other(other))) => other.to_string(),
        Some(_) | None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handshake_error_is_readable() {
        let text = |error: Error| {
            handshake_error(&std::io::Error::new(std::io::ErrorKind::InvalidData, error))
        };
        let other = rustls::OtherError(Arc::new(std::io::Error::other("no such name")));
        let refusal = Error::InvalidCertificate(CertificateError::Other(other));
        assert_eq!(text(refusal), "no such name");
        assert_eq!(text(Error::DecryptError), Error::DecryptError.to_string());
        let closed = std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
        assert_eq!(handshake_error(&closed), closed.to_string());
    }
}
