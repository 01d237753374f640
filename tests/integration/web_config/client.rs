//! A client with configurable TLS and minimal HTTP.

use super::certificates::Identity;
use crate::support::PATIENCE;
use rustls::crypto::{CryptoProvider, SupportedKxGroup, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls::{SupportedCipherSuite, SupportedProtocolVersion};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

/// A client, not connected.
#[derive(Clone)]
pub(super) struct Client {
    trusted: CertificateDer<'static>,
    identity: Option<(String, String)>,
    versions: Vec<&'static SupportedProtocolVersion>,
    suites: Vec<SupportedCipherSuite>,
    curves: Vec<&'static dyn SupportedKxGroup>,
    protocols: Vec<Vec<u8>>,
}

impl Client {
    pub(super) fn new(trusted: CertificateDer<'static>) -> Self {
        let all = ring::default_provider();
        Self {
            trusted,
            identity: None,
            versions: rustls::ALL_VERSIONS.to_vec(),
            suites: all.cipher_suites,
            curves: all.kx_groups,
            protocols: Vec::new(),
        }
    }

    /// With a client certificate.
    pub(super) fn with(mut self, identity: &Identity) -> Self {
        self.identity = Some((identity.certificate.clone(), identity.key.clone()));
        self
    }

    pub(super) fn version(mut self, version: &'static SupportedProtocolVersion) -> Self {
        self.versions = vec![version];
        self
    }

    pub(super) fn suite(self, suite: SupportedCipherSuite) -> Self {
        self.suites(&[suite])
    }

    /// With these cipher suites only, in order of preference.
    pub(super) fn suites(mut self, suites: &[SupportedCipherSuite]) -> Self {
        self.suites = suites.to_vec();
        self
    }

    pub(super) fn curve(mut self, curve: &'static dyn SupportedKxGroup) -> Self {
        self.curves = vec![curve];
        self
    }

    pub(super) fn protocols(mut self, protocols: &[&[u8]]) -> Self {
        self.protocols = protocols.iter().map(|name| name.to_vec()).collect();
        self
    }

    pub(super) fn config(&self) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.trusted.clone()).unwrap();
        let provider = CryptoProvider {
            cipher_suites: self.suites.clone(),
            kx_groups: self.curves.clone(),
            ..ring::default_provider()
        };
        let builder = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&self.versions)
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
                builder
                    .with_client_auth_cert(vec![certificate], key)
                    .unwrap()
            }
        };
        config.alpn_protocols.clone_from(&self.protocols);
        Arc::new(config)
    }

    /// Connects and completes the handshake. In TLS 1.3 the server checks the client certificate
    /// after that.
    pub(super) fn connect(
        &self,
        address: &str,
    ) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
        let mut socket = TcpStream::connect(address)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let name = ServerName::try_from("localhost").unwrap();
        let mut connection = ClientConnection::new(self.config(), name).unwrap();
        connection.complete_io(&mut socket)?;
        Ok(StreamOwned::new(connection, socket))
    }

    /// Sends a GET request; returns the whole response.
    pub(super) fn get(&self, address: &str, path: &str) -> io::Result<String> {
        self.get_with(address, path, "")
    }

    /// [`Client::get`] with more header lines.
    pub(super) fn get_with(&self, address: &str, path: &str, head: &str) -> io::Result<String> {
        let mut stream = self.connect(address)?;
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{head}\r\n");
        stream.write_all(request.as_bytes())?;
        let mut response = Vec::new();
        stream.read_to_end(&mut response)?;
        Ok(String::from_utf8_lossy(&response).into_owned())
    }

    /// Whether a request gets a response.
    #[track_caller]
    pub(super) fn is_served(&self, address: &str) -> bool {
        match self.get(address, "/-/healthy") {
            Ok(response) => {
                assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
                true
            }
            Err(_) => false,
        }
    }
}
