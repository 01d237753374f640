//! Verification of a client certificate in a handshake.
//!
//! Under every policy the client must prove that it holds the private key: rustls verifies
//! the signature of the handshake through this verifier, also for self-signed certificates.

use rustls::SignatureScheme;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError};
use std::net::IpAddr;
use std::sync::Arc;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// Whether a client must present a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Presence {
    Optional,
    Required,
}

/// Verifies client certificates by a policy.
#[derive(Debug)]
pub(super) struct Verifier {
    pub(super) presence: Presence,
    pub(super) signer: Option<Arc<dyn ClientCertVerifier>>,
    /// The certificates of the authority that must have signed.
    pub(super) authority: Vec<CertificateDer<'static>>,
    pub(super) sans: Vec<String>,
    pub(super) provider: Arc<CryptoProvider>,
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
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if let Some(signer) = &self.signer {
            match signer.verify_client_cert(leaf, intermediates, now) {
                Err(_) if self.authority.contains(leaf) => is_valid_at(leaf, now)?,
                verified => {
                    verified?;
                }
            }
        }
        if self.sans.is_empty() || names(leaf)?.iter().any(|name| self.sans.contains(name)) {
            return Ok(ClientCertVerified::assertion());
        }
        let message = "the client certificate contains none of the names in client_allowed_sans";
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

/// Checks the validity period of a client certificate that is itself trusted. Like Go, this accepts
/// an authority's certificate as that of a client: webpki does not, although no signature has to be
/// verified to trust it.
fn is_valid_at(leaf: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let invalid = Error::InvalidCertificate;
    let parsed = X509Certificate::from_der(leaf);
    let (_, certificate) = parsed.map_err(|_| invalid(CertificateError::BadEncoding))?;
    let validity = certificate.validity();
    let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    if seconds < validity.not_before.timestamp() {
        return Err(invalid(CertificateError::NotValidYet));
    }
    if seconds > validity.not_after.timestamp() {
        return Err(invalid(CertificateError::Expired));
    }
    Ok(())
}

/// The DNS names, e-mail addresses, IP addresses and URIs of a certificate's subject
/// (RFC 5280, section 4.2.1.6), in Go's notation.
fn names(leaf: &CertificateDer<'_>) -> Result<Vec<String>, Error> {
    let malformed = Error::InvalidCertificate(CertificateError::BadEncoding);
    let (_, certificate) = X509Certificate::from_der(leaf).map_err(|_| malformed.clone())?;
    let extension = certificate.subject_alternative_name();
    let extension = extension.map_err(|_| malformed)?;
    let names = extension
        .iter()
        .flat_map(|names| &names.value.general_names);
    Ok(names.filter_map(text).collect())
}

fn text(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) | GeneralName::RFC822Name(name) | GeneralName::URI(name) => {
            Some((*name).to_owned())
        }
        GeneralName::IPAddress(bytes) => address(bytes).map(|address| address.to_string()),
        _ => None,
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let ipv4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    let ipv6 = || <[u8; 16]>::try_from(bytes).map(IpAddr::from);
    // Go prints an IPv4-mapped IPv6 address as the IPv4 address.
    ipv4.or_else(|_| ipv6())
        .ok()
        .map(|address| address.to_canonical())
}
