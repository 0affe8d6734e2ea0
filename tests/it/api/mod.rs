//! The HTTP surface; folders mirror its URLs.

mod accounts;
mod audit;
mod bindings;
mod conditional;
mod credential_types;
mod credentials;
mod dns;
mod health;
mod idempotency;
mod isolation;
mod limits;
mod me;
mod members;
mod openapi;
mod plugins;
mod regions;
mod requests;
mod resolve;
mod tokens;
mod turns;
