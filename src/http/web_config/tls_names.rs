//! Go's names of TLS versions, cipher suites and curves, mapped to those of rustls.
//!
//! Pure. A name that Go does not define is unknown. A name that Go defines and rustls does
//! not support is an error that says so: ignoring it would change the configured policy.

use rustls::crypto::SupportedKxGroup;
use rustls::crypto::ring::{cipher_suite, kx_group};
use rustls::version::{TLS12, TLS13};
use rustls::{SupportedCipherSuite, SupportedProtocolVersion};

/// Cipher suites by Go's names; `None` if rustls does not support them. Suites of TLS 1.3
/// may be listed without effect: like Go, the exporter always offers all of them.
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

/// Curves by Go's names, in order of preference; `None` if rustls with ring does not support them.
const CURVES: [(&str, Option<&dyn SupportedKxGroup>); 4] = [
    ("X25519", Some(kx_group::X25519)),
    ("CurveP256", Some(kx_group::SECP256R1)),
    ("CurveP384", Some(kx_group::SECP384R1)),
    ("CurveP521", None),
];

const ONLY_12: &[&SupportedProtocolVersion] = &[&TLS12];
const ONLY_13: &[&SupportedProtocolVersion] = &[&TLS13];
const BOTH: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];

/// Returns the versions from `min` to `max`, both included; by default TLS 1.2 and 1.3.
pub(super) fn versions(
    min: Option<&str>,
    max: Option<&str>,
) -> Result<&'static [&'static SupportedProtocolVersion], String> {
    let min = version(min.unwrap_or("TLS12"), "min_version")?;
    let max = version(max.unwrap_or("TLS13"), "max_version")?;
    match (min, max) {
        (Version::Tls12, Version::Tls12) => Ok(ONLY_12),
        (Version::Tls12, Version::Tls13) => Ok(BOTH),
        (Version::Tls13, Version::Tls13) => Ok(ONLY_13),
        (Version::Tls13, Version::Tls12) => {
            Err("min_version is above max_version, which leaves no version".into())
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
            "{key}: {name} is insecure and not supported by rustls; use TLS12 or TLS13"
        )),
        _ => Err(format!("unknown TLS version: {name}")),
    }
}

/// Returns all cipher suites of TLS 1.3, then the listed ones of TLS 1.2 in their order; every
/// supported suite if the list is empty. At least one must be usable with `versions`.
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
    let usable = |suite: &SupportedCipherSuite| versions.contains(&suite.version());
    match suites.iter().any(usable) {
        true => Ok(suites),
        false => Err(
            "cipher_suites lists no suite of TLS 1.2, the only version that max_version allows"
                .into(),
        ),
    }
}

/// Returns the listed curves in their order; every supported curve if the list is empty.
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
        Some((_, None)) => Err(format!("{what} {name} is not supported by rustls")),
        None => Err(format!("unknown {what}: {name}")),
    }
}
