//! The pages: one file for each URL, and the routes that lead to them.

pub(crate) mod bridge;
pub(crate) mod config;
pub(crate) mod debug;
pub(crate) mod health;
pub(crate) mod landing;
pub(crate) mod metrics;
pub(crate) mod reload;
pub(crate) mod routes;
pub(crate) mod sd;
