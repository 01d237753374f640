//! The web configuration of Prometheus' exporter-toolkit: TLS, users, headers and a rate limit.
//!
//! Reads a file by the rules of
//! <https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md>
//! and provides what handshakes and requests need. Strict: an unknown key, a repeated key,
//! or a setting that rustls does not support is an error, never ignored. It knows no page
//! and writes no response. Reading blocks; [`live`] does it outside the threads that serve.
//!
//! Layers, each using only those before it: `error`, `document`, `duration`, `pem`; `headers`,
//! `users`, `rate_limit`, `tls_names`, `client_certificates`, `tls`; `file`; `passwords`, `live`.

mod client_certificates;
mod document;
mod duration;
mod error;
mod file;
mod headers;
mod live;
mod passwords;
mod pem;
mod rate_limit;
mod tls;
mod tls_names;
mod users;

pub(crate) use file::{WebConfig, files, validate};
pub(crate) use live::LiveWebConfig;
pub(crate) use passwords::PasswordCheck;
pub(crate) use tls::{Protection, handshake_error};
pub(crate) use users::Users;
