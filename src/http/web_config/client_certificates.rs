//! The policy on client certificates: whether one is required, which authority must have
//! signed it, and which names it must contain.

mod verifier;

use super::pem::Pem;
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use std::sync::Arc;
use verifier::{Presence, Verifier};

/// Which certificate clients must present.
#[derive(Debug)]
pub(super) enum ClientCertificates {
    /// None; the handshake does not request one.
    None,
    /// The handshake requests a certificate.
    Requested {
        presence: Presence,
        /// The authority that must have signed it; if `None`, signatures are not checked.
        signer: Option<Authority>,
        /// Names of which the certificate must contain one; if empty, names are not checked.
        sans: Vec<String>,
    },
}

/// Certificates of the authority that signs client certificates.
#[derive(Debug)]
pub(super) struct Authority(pub(super) Pem);

impl ClientCertificates {
    /// Checks the toolkit's `client_auth_type` and the keys that belong to it.
    ///
    /// Refuses settings without the effect that they suggest: names or authorities that
    /// would be ignored, and verification without an authority, for which the toolkit uses
    /// the system's certificate store for web sites.
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
                "{mode} needs client_ca or client_ca_file, the authority that signs client certificates"
            ));
        }
        Ok(Self::Requested {
            // A client without a certificate has none of the required names.
            presence: if sans.is_empty() {
                presence
            } else {
                Presence::Required
            },
            signer: authority.filter(|_| verified),
            sans,
        })
    }

    /// The authority that must have signed, if signatures are checked.
    pub(super) fn authority(&self) -> Option<&Authority> {
        match self {
            Self::None => None,
            Self::Requested { signer, .. } => signer.as_ref(),
        }
    }

    /// Builds the verifier for handshakes. Reads the authority's file.
    pub(super) fn verifier(
        &self,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Option<Arc<dyn ClientCertVerifier>>, String> {
        let Self::Requested {
            presence,
            signer,
            sans,
        } = self
        else {
            return Ok(None);
        };
        let authority = match signer {
            Some(Authority(pem)) => pem.certificates("client_ca")?,
            None => Vec::new(),
        };
        let signer = signer.is_some().then(|| verifier(&authority, provider));
        Ok(Some(Arc::new(Verifier {
            presence: *presence,
            signer: signer.transpose()?,
            authority,
            sans: sans.clone(),
            provider: Arc::clone(provider),
        })))
    }
}

/// The verifier of signatures of an authority.
fn verifier(
    authority: &[CertificateDer<'static>],
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, String> {
    let unusable = |error: &dyn std::fmt::Display| format!("cannot use client_ca: {error}");
    let mut roots = RootCertStore::empty();
    for certificate in authority {
        let added = roots.add(certificate.clone());
        added.map_err(|error| unusable(&error))?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|error| unusable(&error))
}
