//! The one binary `bursar`: the broker (`bursar serve`) and the command line
//! to it.
//!
//! Every command but `serve` and the offline ones speaks only the public HTTP
//! API (see [`client`]). Nothing here knows a credential type: prompts, typing
//! and refusals follow from the schemas that the broker serves ([`schema`],
//! [`form`], [`input`]). [`broker`] is the composition root, the only place where
//! store, plugin host and server meet.

#![forbid(unsafe_code)]

mod artifact;
mod broker;
mod client;
mod commands;
mod config;
mod delivery;
mod failure;
mod form;
mod input;
mod kit;
mod offline;
mod output;
mod process;
mod profile;
mod schema;
mod session;
mod system;
mod terminal;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;

use crate::commands::Cli;

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(tell_of_panic));
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Without stderr there is nobody left to tell.
            let _ = failure.report(io::stderr().lock());
            failure.exit_code()
        }
    }
}

/// Says where a thread panicked, but not its message: that may hold what it was
/// working on.
fn tell_of_panic(panic: &std::panic::PanicHookInfo<'_>) {
    // The disk's defect, and told as such.
    if bursar_store::engine::redb::catches_panics() {
        return;
    }
    let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    // Without stderr there is nobody left to tell.
    let _ = writeln!(io::stderr(), "a defect in bursar: a thread panicked at {place}");
}
