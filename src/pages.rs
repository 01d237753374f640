//! The pages: one file for each URL, and the routes that lead to them.

pub mod accept;
pub mod bridge;
pub mod config;
pub mod deadline;
pub mod debug;
pub mod health;
pub mod landing;
pub mod metrics;
pub mod reload;
pub mod routes;
pub mod sd;
