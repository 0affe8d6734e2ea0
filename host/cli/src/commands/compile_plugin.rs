//! `bursar compile-plugin`, an internal command of the broker: compiles one
//! component within limits.

use bursar_plugin_host::{CompilationLimits, compile_for_parent};
use clap::Args;

use crate::broker::chain;
use crate::failure::Failure;

/// Compile the component on standard input for a broker
#[derive(Args, Debug)]
pub(crate) struct CompilePlugin {
    /// The broker's process
    #[arg(long, value_name = "PID")]
    parent: u32,
    /// Memory limit
    #[arg(long, value_name = "BYTES")]
    memory_bytes: u64,
    /// CPU time limit
    #[arg(long, value_name = "SECONDS")]
    cpu_seconds: u64,
}

impl CompilePlugin {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let limits = CompilationLimits::of_process(self.memory_bytes, self.cpu_seconds);
        compile_for_parent(self.parent, &limits).map_err(|error| Failure::Failed(chain(&error)))
    }
}

/// The command's name.
pub(crate) const COMPILE_PLUGIN: &str = "compile-plugin";
