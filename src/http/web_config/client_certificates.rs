//! Certificates of clients: whether one is needed, who must have signed it, whom it must name.
//!
//! Whatever is accepted, the client has shown that it holds the key: rustls
//! checks the signature of the handshake through the verifier here, for
//! certificates that anybody may have made too.

use super::tls::Pem;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError};
use rustls::{RootCertStore, SignatureScheme};
use std::net::IpAddr;
use std::sync::Arc;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// What clients have to show.
#[derive(Debug)]
pub(super) enum ClientCertificates {
    /// Nothing.
    None,
    /// A certificate.
    Asked {
        presence: Presence,
        /// Who must have signed it; nobody in particular, if there is none.
        signer: Option<Authority>,
        /// The names of which its leaf must bear one; any, if none is listed.
        sans: Vec<String>,
    },
}

/// Whether a client may come without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    Optional,
    Required,
}

/// The certificates of those who may sign.
#[derive(Debug)]
pub(super) struct Authority(pub(super) Pem);

impl ClientCertificates {
    /// By the toolkit's `client_auth_type`. What would not do what it seems to
    /// promise is refused: names or signers that would not be looked at, and
    /// signers that the toolkit would take from the system's store for web sites.
    pub(super) fn check(
        mode: &str,
        authority: Option<Authority>,
        sans: Vec<String>,
    ) -> Result<Self, String> {
        let (presence, verified) = match mode {
            "" | "NoClientCert" if authority.is_some() => {
                return Err("client CA's have been configured without a Client Auth Policy".into());
            }
            "" | "NoClientCert" if !sans.is_empty() => {
                return Err(
                    "client_allowed_sans needs a client_auth_type that asks for certificates"
                        .into(),
                );
            }
            "" | "NoClientCert" => return Ok(Self::None),
            "RequestClientCert" => (Presence::Optional, false),
            "RequireAnyClientCert" | "RequireClientCert" => (Presence::Required, false),
            "VerifyClientCertIfGiven" => (Presence::Optional, true),
            "RequireAndVerifyClientCert" => (Presence::Required, true),
            _ => return Err(format!("invalid ClientAuth: {mode}")),
        };
        if verified && authority.is_none() {
            return Err(format!(
                "{mode} needs client_ca or client_ca_file: who may have signed"
            ));
        }
        Ok(Self::Asked {
            // Who bears no certificate bears none of the names.
            presence: if sans.is_empty() {
                presence
            } else {
                Presence::Required
            },
            signer: authority.filter(|_| verified),
            sans,
        })
    }

    /// Whose signatures count, if anybody's in particular.
    pub(super) fn authority(&self) -> Option<&Authority> {
        match self {
            Self::None => None,
            Self::Asked { signer, .. } => signer.as_ref(),
        }
    }

    /// What judges them in handshakes; reads the authority's file.
    pub(super) fn verifier(
        &self,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Option<Arc<dyn ClientCertVerifier>>, String> {
        let Self::Asked {
            presence,
            signer,
            sans,
        } = self
        else {
            return Ok(None);
        };
        let signer = signer
            .as_ref()
            .map(|authority| authority.verifier(provider));
        Ok(Some(Arc::new(Verifier {
            presence: *presence,
            signer: signer.transpose()?,
            sans: sans.clone(),
            provider: Arc::clone(provider),
        })))
    }
}

impl Authority {
    fn verifier(
        &self,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ClientCertVerifier>, String> {
        let unusable = |error: &dyn std::fmt::Display| format!("client_ca cannot be used: {error}");
        let mut roots = RootCertStore::empty();
        for certificate in self.0.certificates("client_ca")? {
            roots.add(certificate).map_err(|error| unusable(&error))?;
        }
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
            .build()
            .map_err(|error| unusable(&error))
    }
}

#[derive(Debug)]
struct Verifier {
    presence: Presence,
    signer: Option<Arc<dyn ClientCertVerifier>>,
    sans: Vec<String>,
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for Verifier {
    fn client_auth_mandatory(&self) -> bool {
        self.presence == Presence::Required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        let signer = self.signer.as_ref();
        signer.map_or(&[], |signer| signer.root_hint_subjects())
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if let Some(signer) = &self.signer {
            signer.verify_client_cert(leaf, between, now)?;
        }
        if self.sans.is_empty() || names(leaf)?.iter().any(|name| self.sans.contains(name)) {
            return Ok(ClientCertVerified::assertion());
        }
        let message = "the client's certificate bears none of client_allowed_sans";
        let other = OtherError(Arc::new(std::io::Error::other(message)));
        Err(Error::InvalidCertificate(CertificateError::Other(other)))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

/// Why a handshake failed, in words: rustls shows what a verifier says as programmers would.
pub(crate) fn in_words(error: &std::io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    match inner {
        Some(Error::InvalidCertificate(CertificateError::Other(other))) => other.to_string(),
        Some(_) | None => error.to_string(),
    }
}

/// The DNS names, e-mail addresses, IP addresses and URIs that a certificate is
/// for (RFC 5280, section 4.2.1.6), written as Go writes them.
fn names(leaf: &CertificateDer<'_>) -> Result<Vec<String>, Error> {
    let malformed = Error::InvalidCertificate(CertificateError::BadEncoding);
    let (_, certificate) = X509Certificate::from_der(leaf).map_err(|_| malformed.clone())?;
    let extension = certificate.subject_alternative_name();
    let extension = extension.map_err(|_| malformed)?;
    let names = extension
        .iter()
        .flat_map(|names| &names.value.general_names);
    Ok(names.filter_map(written).collect())
}

fn written(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) | GeneralName::RFC822Name(name) | GeneralName::URI(name) => {
            Some((*name).to_owned())
        }
        GeneralName::IPAddress(bytes) => address(bytes).map(|address| address.to_string()),
        _ => None,
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    let sixteen = || <[u8; 16]>::try_from(bytes).map(IpAddr::from);
    // Go writes an IPv4 address in an IPv6 one as the IPv4 address it is.
    four.or_else(|_| sixteen())
        .ok()
        .map(|address| address.to_canonical())
}
