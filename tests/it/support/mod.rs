//! The harness: processes that end with the test, a small HTTP client, accounts
//! with a token per role, certificates, outside tools, targets and faults.

pub(crate) mod account;
pub(crate) mod client;
pub(crate) mod cluster;
pub(crate) mod echo;
#[expect(dead_code, reason = "the tests of the targets share it and use the rest")]
pub(crate) mod fault_proxy;
pub(crate) mod guarded;
pub(crate) mod lab;
pub(crate) mod openapi;
#[expect(dead_code, reason = "the tests of the targets share it and use the rest")]
pub(crate) mod openbao;
pub(crate) mod pki;
pub(crate) mod postgres;
pub(crate) mod receiver;
pub(crate) mod reply;
pub(crate) mod samples;
pub(crate) mod server;
pub(crate) mod tls_server;
pub(crate) mod tools;

pub(crate) use account::Account;
pub(crate) use client::Client;
pub(crate) use guarded::Guarded;
pub(crate) use reply::Reply;
pub(crate) use server::Server;
