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
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ResolvesServerCert;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{CertificateError, Error, InconsistentKeys};
use rustls::{ServerConfig, SupportedCipherSuite, SupportedProtocolVersion};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use x509_parser::prelude::{FromDer, X509Certificate, X509Version};

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
        let certified = certified_key(chain, key, provider)?;
        Ok(Arc::new(SingleCertAndKey::from(certified)))
    }
}

/// Combines a certificate with its key.
fn certified_key(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, String> {
    let unusable = |error: Error| {
        format!(
            "cannot use the certificate with the key: {}",
            explained(&error)
        )
    };
    let key = provider.key_provider.load_private_key(key);
    let certified = CertifiedKey::new(chain, key.map_err(unusable)?);
    match certified.keys_match() {
        Ok(()) => Ok(certified),
        // Version 1: webpki, which compares the keys, reads only version 3. Clients decide
        // whether they accept the certificate.
        Err(_) if is_version_1_of(&certified) => Ok(certified),
        Err(error) => Err(unusable(error)),
    }
}

/// Whether the certificate has version 1 and contains the key.
fn is_version_1_of(certified: &CertifiedKey) -> bool {
    let parsed = certified
        .cert
        .first()
        .map(|leaf| X509Certificate::from_der(leaf));
    let Some(Ok((_, certificate))) = parsed else {
        return false;
    };
    let key = certified.key.public_key();
    certificate.version() == X509Version::V1
        && key.is_some_and(|key| *key == *certificate.tbs_certificate.subject_pki.raw)
}

/// An error of a key, with what to do about a curve that is not supported.
fn explained(error: &Error) -> String {
    match error {
        Error::General(message) if message.contains("private key") => format!(
            "{message}; the supported keys are RSA of 2048 to 8192 bits, ECDSA with P-256 or P-384, \
             and Ed25519"
        ),
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            "the key belongs to another certificate (the first certificate must be the server's own; \
             compare `openssl x509 -noout -pubkey -in CERT` with `openssl pkey -pubout -in KEY`)"
                .to_owned()
        }
        other => other.to_string(),
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
    use rustls::pki_types::pem::PemObject;

    fn certified(certificate: &str, key: &str) -> Result<CertifiedKey, String> {
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        certified_key(vec![certificate], key, &ring::default_provider())
    }

    #[test]
    fn a_certificate_of_version_1_is_accepted_with_its_own_key() {
        let certificate = include_str!("../../../tests/fixtures/tls/version-1.pem");
        let key = include_str!("../../../tests/fixtures/tls/version-1.key");
        certified(certificate, key).unwrap();
        let other = rcgen::KeyPair::generate().unwrap().serialize_pem();
        let refused = certified(certificate, &other).unwrap_err();
        assert!(
            refused.contains("cannot use the certificate with the key"),
            "{refused}"
        );
    }

    #[test]
    fn the_error_of_a_key_of_another_certificate_says_so() {
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let other = rcgen::KeyPair::generate().unwrap().serialize_pem();
        let refused = certified(&own.cert.pem(), &other).unwrap_err();
        assert!(
            refused.contains("belongs to another certificate"),
            "{refused}"
        );
        certified(&own.cert.pem(), &own.signing_key.serialize_pem()).unwrap();
    }

    #[test]
    fn the_error_of_an_unsupported_key_lists_the_supported_ones() {
        let certificate = include_str!("../../../tests/fixtures/tls/p-521.pem");
        let key = include_str!("../../../tests/fixtures/tls/p-521.key");
        let refused = certified(certificate, key).unwrap_err();
        assert!(refused.contains("P-256 or P-384"), "{refused}");
    }

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
