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
mod failure;
mod form;
mod input;
mod offline;
mod output;
mod profile;
mod schema;
mod session;
mod system;
mod terminal;

use std::io;
use std::process::ExitCode;

use clap::Parser as _;

use crate::commands::Cli;

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Without stderr there is nobody left to tell.
            let _ = failure.report(io::stderr().lock());
            failure.exit_code()
        }
    }
}
