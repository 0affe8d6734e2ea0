//! Components that mean harm: each gets a typed error and an audit record, and
//! costs nobody but its own callers anything.
//!
//! `pure` sees a secret and tries to tell it; `network` may speak and tries to
//! get at the secrets it holds by name; `crossing` sees two secrets and carries one
//! to the host of the other; `files` are no plugins at all, or lie about what they
//! are; `bombs` are meant to exhaust whoever reads or compiles them; `bodies` are
//! requests that take memory before anyone asked who sends them; in `database` an
//! intruder has the rows.

mod bodies;
mod bombs;
mod compilation;
mod crossing;
mod database;
mod files;
mod guest;
mod network;
mod pure;
