//! TLS as a file asks for it: checked names first, then certificates as they are now.
//!
//! [`Tls::server_config`] reads files and blocks. Whether a client's certificate
//! is needed, and which, is said in `client_certificates`.

use super::client_certificates::{Authority, ClientCertificates};
use super::document::TlsServer;
use super::{LARGEST, names};
use local_exporter_actors::host::lsm::denial_hint;
use local_exporter_config::read_file;
use rustls::crypto::{CryptoProvider, SupportedKxGroup, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ResolvesServerCert;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ServerConfig, SupportedCipherSuite, SupportedProtocolVersion};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What is to be served over TLS, and to whom.
#[derive(Debug)]
pub(super) struct Tls {
    certificate: Pem,
    key: Pem,
    clients: ClientCertificates,
    versions: &'static [&'static SupportedProtocolVersion],
    suites: Vec<SupportedCipherSuite>,
    curves: Vec<&'static dyn SupportedKxGroup>,
    order: Order,
    http2: bool,
}

/// Whose order of cipher suites counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Server,
    Client,
}

/// Where a PEM text is.
pub(super) enum Pem {
    Inline(String),
    File(PathBuf),
}

impl fmt::Debug for Pem {
    /// Without what is secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline(_) => formatter.write_str("Inline"),
            Self::File(path) => write!(formatter, "File({path:?})"),
        }
    }
}

impl Pem {
    /// The file if it is named, else the text if there is one.
    fn choose(inline: Option<String>, file: Option<String>, directory: &Path) -> Option<Self> {
        let file = file.filter(|file| !file.is_empty());
        let inline = inline.filter(|inline| !inline.is_empty());
        match file {
            Some(file) => Some(Self::File(directory.join(file))),
            None => inline.map(Self::Inline),
        }
    }

    fn file(&self) -> Option<&PathBuf> {
        match self {
            Self::Inline(_) => None,
            Self::File(path) => Some(path),
        }
    }

    /// The text, and how to call it in a sentence.
    fn read(&self, what: &str) -> Result<(Vec<u8>, String), String> {
        match self {
            Self::Inline(text) => Ok((text.clone().into_bytes(), what.to_owned())),
            Self::File(path) => {
                let name = format!("{what}_file {}", path.display());
                match read_file(path, LARGEST) {
                    Ok(text) => Ok((text, name)),
                    Err(error) => {
                        let denial = denial_hint(path, &error);
                        Err(format!("{name} cannot be read: {error}{denial}"))
                    }
                }
            }
        }
    }

    /// The certificates in it: one at least.
    pub(super) fn certificates(&self, what: &str) -> Result<Vec<CertificateDer<'static>>, String> {
        let (text, name) = self.read(what)?;
        let certificates = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>();
        match certificates {
            Ok(certificates) if !certificates.is_empty() => Ok(certificates),
            Ok(_) => Err(format!("{name} holds no certificate in PEM form")),
            Err(error) => Err(format!("{name} is not in PEM form: {error}")),
        }
    }

    fn private_key(&self) -> Result<PrivateKeyDer<'static>, String> {
        let (text, name) = self.read("key")?;
        PrivateKeyDer::from_pem_slice(&text)
            .map_err(|error| format!("{name} holds no private key in PEM form: {error}"))
    }
}

impl Tls {
    /// What is asked for; nothing, where none of the keys that turn TLS on is written.
    pub(super) fn check(
        written: TlsServer,
        http2: bool,
        directory: &Path,
    ) -> Result<Option<Self>, String> {
        let mode = written.client_auth_type.unwrap_or_default();
        let certificate = Pem::choose(written.cert, written.cert_file, directory);
        let key = Pem::choose(written.key, written.key_file, directory);
        let authority = Pem::choose(written.client_ca, written.client_ca_file, directory);
        let versions = names::versions(
            written.min_version.as_deref(),
            written.max_version.as_deref(),
        )?;
        let suites = names::cipher_suites(&written.cipher_suites.unwrap_or_default(), versions)?;
        let curves = names::curves(&written.curve_preferences.unwrap_or_default())?;
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
                Some(false) => Order::Client,
                Some(true) | None => Order::Server,
            },
            http2,
        }))
    }

    /// The files it is made of.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let authority = self.clients.authority().map(|Authority(pem)| pem);
        let all = [Some(&self.certificate), Some(&self.key), authority];
        let files = all.into_iter().flatten().filter_map(Pem::file);
        files.cloned().collect()
    }

    /// What a handshake needs, with the certificates as they are now. A key that
    /// is not the certificate's is an error.
    pub(super) fn server_config(&self) -> Result<Arc<ServerConfig>, String> {
        let provider = Arc::new(CryptoProvider {
            cipher_suites: self.suites.clone(),
            kx_groups: self.curves.clone(),
            ..ring::default_provider()
        });
        let resolver = self.certified_key(&provider)?;
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(self.versions)
            .map_err(|error| {
                format!("these versions and cipher suites do not go together: {error}")
            })?;
        let builder = match self.clients.verifier(&provider)? {
            Some(verifier) => builder.with_client_cert_verifier(verifier),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(resolver);
        config.ignore_client_order = self.order == Order::Server;
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
            .map_err(|error| format!("certificate and key cannot be used together: {error}"))?;
        Ok(Arc::new(SingleCertAndKey::from(certified)))
    }
}
