//! Access control: networks, users, tokens and the rate limit.
//!
//! Every request passes the [`Authorizer`] before it is routed to a page. It knows no page
//! except the path of the bridge, where a selector's own token applies.

mod authorization;
mod authorizer;
mod files;
mod networks;
mod tokens;

pub(crate) use authorizer::{AuthDecision, Authorizer, of_selector};
pub(crate) use files::{external_errors, files, secret_files};
