//! The command line as people and scripts use it: the real binary, exit codes,
//! what is on stdout and what on stderr.

mod access;
mod audit;
mod backup;
mod credentials;
mod dns;
mod exit_codes;
mod input;
mod materialize;
mod output;
mod plugin_digest;
mod plugin_new;
mod prompts;
mod regions;
mod rekey;
mod runner;
mod terminal;

pub(crate) use runner::Cli;
pub(crate) use terminal::Terminal;
