//! Certificate authorities and the certificates that they sign.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType,
    date_time_ymd,
};
use rustls::pki_types::CertificateDer;

/// A certificate authority.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, in PEM form.
pub(super) struct Identity {
    pub(super) certificate: String,
    pub(super) key: String,
}

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    pub(super) fn certificate(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    pub(super) fn pem(&self) -> String {
        self.0.pem()
    }

    /// The certificate of the authority itself.
    pub(super) fn own_identity(&self) -> Identity {
        Identity {
            certificate: self.0.pem(),
            key: self.0.key().serialize_pem(),
        }
    }

    /// Issues a certificate for DNS names and addresses.
    pub(super) fn issue(&self, names: &[&str]) -> Identity {
        let names = names.iter().map(|name| (*name).to_owned());
        self.sign(&CertificateParams::new(names.collect::<Vec<_>>()).unwrap())
    }

    /// Issues a certificate that expired at the end of 2020.
    pub(super) fn issue_expired(&self, names: &[&str]) -> Identity {
        let names = names.iter().map(|name| (*name).to_owned());
        let mut params = CertificateParams::new(names.collect::<Vec<_>>()).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2020, 12, 31);
        self.sign(&params)
    }

    /// Issues a certificate for a name of any kind.
    pub(super) fn issue_for(&self, name: SanType) -> Identity {
        let mut params = CertificateParams::default();
        params.subject_alt_names.push(name);
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Identity {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }
}
