//! The HTTP surface over doubles of the ports: what the layers, extractors and
//! answers do. The real store and real plugins are tested where they are.

#![expect(clippy::unwrap_used, reason = "the tests' own steps; clippy exempts only functions marked as tests")]

mod bindings;
mod credentials;
mod dns;
mod events;
mod limits;
mod problems;
mod regions;
mod serving;
mod support;
mod surface;
