//! Acceptance tests over the real binary.
//!
//! Everything here starts `bursar` as a process and speaks to it the way its
//! users do: HTTP, the command line, files. Nothing but `plugin_cases` links the
//! host's crates, so that what passes is what ships. Folders mirror the URLs;
//! `support` is the harness. A missing outside tool fails the test that needs it
//! and names the Debian package.

#![forbid(unsafe_code)]

mod api;
mod cases;
mod cli;
mod crash;
mod dns;
mod engines;
mod faults;
mod fourth_type;
mod hostile;
mod lab;
mod leaks;
mod main_job;
mod nodes;
mod outside;
mod plugin_cases;
mod plugins;
mod regions;
mod serve;
mod support;
mod tidy;
