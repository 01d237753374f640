//! The names that Go gives to versions, cipher suites and curves, and what rustls has of them.
//!
//! Pure. A name that Go does not know is unknown; one that Go knows and rustls
//! does not have is refused with a sentence that says so, since to leave it out
//! in silence would be another policy than the one written.

use rustls::crypto::SupportedKxGroup;
use rustls::crypto::ring::{cipher_suite, kx_group};
use rustls::version::{TLS12, TLS13};
use rustls::{SupportedCipherSuite, SupportedProtocolVersion};

/// Cipher suites by Go's names; `None` where rustls has none. Those of TLS 1.3
/// may be named, but are never chosen by name: Go uses them all, always.
const SUITES: [(&str, Option<SupportedCipherSuite>); 13] = [
    (
        "TLS_AES_128_GCM_SHA256",
        Some(cipher_suite::TLS13_AES_128_GCM_SHA256),
    ),
    (
        "TLS_AES_256_GCM_SHA384",
        Some(cipher_suite::TLS13_AES_256_GCM_SHA384),
    ),
    (
        "TLS_CHACHA20_POLY1305_SHA256",
        Some(cipher_suite::TLS13_CHACHA20_POLY1305_SHA256),
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        Some(cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        Some(cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384),
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        Some(cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256),
    ),
    (
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        Some(cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256),
    ),
    (
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        Some(cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384),
    ),
    (
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        Some(cipher_suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256),
    ),
    ("TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", None),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", None),
    ("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", None),
    ("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", None),
];

/// Curves by Go's names, the preferred first; `None` where rustls' ring has none.
const CURVES: [(&str, Option<&dyn SupportedKxGroup>); 4] = [
    ("X25519", Some(kx_group::X25519)),
    ("CurveP256", Some(kx_group::SECP256R1)),
    ("CurveP384", Some(kx_group::SECP384R1)),
    ("CurveP521", None),
];

const ONLY_12: &[&SupportedProtocolVersion] = &[&TLS12];
const ONLY_13: &[&SupportedProtocolVersion] = &[&TLS13];
const BOTH: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];

/// The versions from the least to the greatest, both included.
pub(super) fn versions(
    least: Option<&str>,
    greatest: Option<&str>,
) -> Result<&'static [&'static SupportedProtocolVersion], String> {
    let least = version(least.unwrap_or("TLS12"), "min_version")?;
    let greatest = version(greatest.unwrap_or("TLS13"), "max_version")?;
    match (least, greatest) {
        (Version::Tls12, Version::Tls12) => Ok(ONLY_12),
        (Version::Tls12, Version::Tls13) => Ok(BOTH),
        (Version::Tls13, Version::Tls13) => Ok(ONLY_13),
        (Version::Tls13, Version::Tls12) => {
            Err("min_version is above max_version, so no version is left".into())
        }
    }
}

#[derive(Clone, Copy)]
enum Version {
    Tls12,
    Tls13,
}

fn version(name: &str, key: &str) -> Result<Version, String> {
    match name {
        "TLS12" => Ok(Version::Tls12),
        "TLS13" => Ok(Version::Tls13),
        "TLS10" | "TLS11" => Err(format!(
            "{key}: {name} is not served: it is broken, and rustls has it not; use TLS12 or TLS13"
        )),
        _ => Err(format!("unknown TLS version: {name}")),
    }
}

/// The named cipher suites of TLS 1.2, in their order, and all of TLS 1.3; all there are, if none is named.
///
/// With these versions one of them at least must be of use.
pub(super) fn cipher_suites(
    names: &[String],
    versions: &[&SupportedProtocolVersion],
) -> Result<Vec<SupportedCipherSuite>, String> {
    let all = || SUITES.iter().filter_map(|(_, suite)| *suite);
    if names.is_empty() {
        return Ok(all().collect());
    }
    let named = names.iter().map(|name| find(&SUITES, name, "cipher"));
    let named = named.collect::<Result<Vec<_>, _>>()?;
    let of_12 = named.into_iter().filter(|suite| suite.tls13().is_none());
    let of_13 = all().filter(|suite| suite.tls13().is_some());
    let suites: Vec<_> = of_13.chain(of_12).collect();
    let of_use = |suite: &SupportedCipherSuite| versions.contains(&suite.version());
    match suites.iter().any(of_use) {
        true => Ok(suites),
        false => Err(
            "cipher_suites names none of TLS 1.2, which is the only version that max_version \
             leaves, so no cipher suite is left"
                .into(),
        ),
    }
}

/// The named curves in their order; all there are, if none is named.
pub(super) fn curves(names: &[String]) -> Result<Vec<&'static dyn SupportedKxGroup>, String> {
    if names.is_empty() {
        return Ok(CURVES.iter().filter_map(|(_, curve)| *curve).collect());
    }
    names
        .iter()
        .map(|name| find(&CURVES, name, "curve"))
        .collect()
}

fn find<T: Copy>(known: &[(&str, Option<T>)], name: &str, what: &str) -> Result<T, String> {
    match known.iter().find(|(known, _)| *known == name) {
        Some((_, Some(found))) => Ok(*found),
        Some((_, None)) => Err(format!("{what} {name} is not served: rustls has it not")),
        None => Err(format!("unknown {what}: {name}")),
    }
}
