//! Pages: one file per URL, the table of endpoints and the routes.

pub(crate) mod bridge;
pub(crate) mod config;
pub(crate) mod debug;
pub(crate) mod endpoints;
pub(crate) mod health;
pub(crate) mod landing;
pub(crate) mod metrics;
mod reload;
pub(crate) mod routes;
pub(crate) mod sd;
