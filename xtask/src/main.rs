//! The project's own tasks: `cargo xtask <task>`.
//!
//! Each task is one file with one public function; this file selects the task.

#![forbid(unsafe_code)]

mod bench;
mod ci;
mod codegen;
mod deny;
mod faults;
mod guests;
mod host;
mod map;
mod plugins;
mod python;
mod shell;
mod system;
mod test;
mod tools;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (task, rest) = arguments.split_first().map_or(("", &[][..]), |(task, rest)| (task.as_str(), rest));
    let outcome: Result<(), Box<dyn std::error::Error>> = match task {
        "run" => host::run(rest).map_err(Into::into),
        "build" => host::build_release().map_err(Into::into),
        "plugins" => guests::build_with_rust().map_err(Into::into),
        "lab" => python::ensure().map_err(Into::into),
        "test" => test::all(rest).map_err(Into::into),
        "ci" => ci::all().map_err(Into::into),
        "deny" => deny::check().map_err(Into::into),
        "codegen" => codegen::all().map_err(Into::into),
        "faults" => faults::campaign(rest).map_err(Into::into),
        "map" => map::print().map_err(Into::into),
        "bench" => bench::all(rest).map_err(Into::into),
        _ => Err(USAGE.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

const USAGE: &str = "\
usage: cargo xtask <task>

  run [FLAGS]    build all and serve on 127.0.0.1:8420; FLAGS go to `bursar serve`
  build          build target/release/bursar, with the built-in plugins inside
  test [FILTER]  run every test; installs the tools it needs
  ci             what CI runs: format, dependencies, tests, lints, drift
  deny           check the dependencies: licenses, sources, duplicates, advisories
  lab            install the Python packages of tests/lab in target/lab
  plugins        build every plugin and example into target/plugins
  codegen        regenerate the OpenAPI document and the page of capabilities
  bench          measure, and print the table of docs/performance.md
  map            measure the layout of the host's code
  faults [SECS]  inject faults into three nodes and a database under load, for ten minutes";
