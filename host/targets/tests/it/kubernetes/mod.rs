//! The `kubernetes` target and the API server of the lab, which clients of others prove first.

mod connection;
mod drift;
mod faults;
mod foreign;
mod lab;
mod logs;
mod proofs;
mod put;
mod races;
mod remove;
mod rights;
mod settings;
mod types;
