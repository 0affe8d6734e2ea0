//! The one binary `bursar`: the broker (`bursar serve`) and the command line
//! to it.
//!
//! Every command except `serve` and the offline ones uses only the public HTTP
//! API (see [`client`]). No credential type is known here: prompts, typing and
//! the refusal of secrets follow from the schemas that the broker serves
//! ([`schema`], [`form`], [`input`]). [`broker`] is the composition root, the only
//! place that joins store, plugin host and server.

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
    std::panic::set_hook(Box::new(report_panic));
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Without stderr there is nowhere to report to.
            let _ = failure.report(io::stderr().lock());
            failure.exit_code()
        }
    }
}

/// Reports where a thread panicked, but not the message, which may contain the
/// data it was working on.
fn report_panic(panic: &std::panic::PanicHookInfo<'_>) {
    // A disk fault, which the engine reports as an error.
    if bursar_store::engine::redb::catches_panics() {
        return;
    }
    let location = panic.location().map_or_else(|| "an unknown location".to_owned(), ToString::to_string);
    // Without stderr there is nowhere to report to.
    let _ = writeln!(io::stderr(), "a defect in bursar: a thread panicked at {location}");
}
