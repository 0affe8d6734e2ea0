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
mod quotas;
mod regions;
mod requests;
mod resolve;
mod retention;
mod tokens;
mod turns;
