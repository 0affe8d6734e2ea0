//! A load generator over the release binary: prints the table of
//! `docs/performance.md`. Run it by `cargo xtask bench`.
//!
//! Client, broker and the server it is compared with share one machine and run
//! in one go, so that the ratios mean something where the figures do not.

#![forbid(unsafe_code)]

mod broker;
mod client;
mod hello;
mod measure;
mod paired;
mod plugins;
mod receiver;
mod regions;
mod rows;
mod table;

use table::Table;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let scale = match words.as_slice() {
        ["hello-world", address] => return hello::serve(address),
        [] => rows::Scale::full(),
        ["--quick"] => rows::Scale::quick(),
        ["--plugins"] => return only_plugins(),
        ["--regions"] => return only_regions(&regions::Scale::full()),
        ["--regions", "--quick"] => return only_regions(&regions::Scale::quick()),
        ["--paired", other] => return paired_with(other),
        other => panic!("unknown arguments {other:?}; there are --quick, --plugins, --regions and --paired BINARY"),
    };
    let of_regions = if words.is_empty() { regions::Scale::full() } else { regions::Scale::quick() };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut table = Table::default();
    rows::plugin_call(&mut table);
    runtime.block_on(rows::over_http(&mut table, &scale));
    runtime.block_on(plugins::rows(&mut table, scale.trapped_calls()));
    runtime.block_on(regions::rows(&mut table, &of_regions));
    println!("{table}");
}

/// The rows about regions alone.
fn only_regions(scale: &regions::Scale) {
    let mut table = Table::default();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(regions::rows(&mut table, scale));
    println!("{table}");
}

/// This build beside another one.
fn paired_with(other: &str) {
    let mut table = Table::default();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(paired::rows(&mut table, other.as_ref()));
    println!("{table}");
}

/// The rows about live and hostile plugins alone.
fn only_plugins() {
    let mut table = Table::default();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(plugins::rows(&mut table, rows::Scale::full().trapped_calls()));
    println!("{table}");
}
