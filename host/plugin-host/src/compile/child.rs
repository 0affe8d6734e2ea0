//! The process that compiles: bounds itself, reads one component from standard
//! input, writes its code to standard output, and ends.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, Signal, getppid, getrlimit, nice, set_parent_process_death_signal, setrlimit};

use super::{CODE, REASON};
use crate::limits::CompilationLimits;
use crate::text::sentence;
use crate::{Error, engine};

/// Why the process ends without an answer.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// The process could not limit itself.
    #[error("the limits of the process cannot be set")]
    Bounds(#[source] io::Error),
    /// The parent process is gone.
    #[error("the parent process is gone")]
    Orphaned,
    /// The engine does not start.
    #[error(transparent)]
    Engine(Error),
    /// Standard input or output failed.
    #[error("the component cannot be read, or its code not written")]
    Pipe(#[source] io::Error),
}

/// Compiles the component on standard input for the process `parent`.
///
/// # Errors
///
/// See [`ChildError`]. A component that does not compile is an answer, not an
/// error.
pub fn compile_for_parent(parent: u32, limits: &CompilationLimits) -> Result<(), ChildError> {
    bound(limits).map_err(ChildError::Bounds)?;
    leave_with(parent)?;
    let mut wasm = Vec::new();
    io::stdin().lock().read_to_end(&mut wasm).map_err(ChildError::Pipe)?;
    let engine = engine::compiler().map_err(ChildError::Engine)?;
    let mut stdout = io::stdout().lock();
    let written = match engine.precompile_component(&wasm) {
        Ok(code) => {
            let settings = engine::settings(&engine);
            stdout.write_all(CODE).and_then(|()| stdout.write_all(&settings)).and_then(|()| stdout.write_all(&code))
        }
        Err(error) => {
            let reason = sentence(&format!("{error:#}"));
            stdout.write_all(REASON).and_then(|()| stdout.write_all(reason.as_bytes()))
        }
    };
    written.and_then(|()| stdout.flush()).map_err(ChildError::Pipe)
}

/// Lowers the priority and sets the limits of this process.
fn bound(limits: &CompilationLimits) -> io::Result<()> {
    let cpu_seconds = limits.cpu.as_secs().max(1);
    lower(Resource::Data, limits.memory_bytes, limits.memory_bytes)?;
    // Besides memory: the program itself, and what the allocator reserves.
    let address_space = limits.memory_bytes.saturating_add(ASIDE_BYTES);
    lower(Resource::As, address_space, address_space)?;
    // The soft limit's signal identifies the reason.
    lower(Resource::Cpu, cpu_seconds, cpu_seconds + 1)?;
    lower(Resource::Core, 0, 0)?;
    lower(Resource::Fsize, 0, 0)?;
    // If memory runs out nevertheless, the system should kill this process and not
    // the broker. Not every container has the file.
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
    nice(NICE).map(drop).map_err(Into::into)
}

/// Lowers a limit; never raises it.
fn lower(resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
    let present = getrlimit(resource);
    let within = |wanted: u64, present: Option<u64>| Some(present.map_or(wanted, |present| present.min(wanted)));
    let maximum = within(hard, present.maximum);
    let current = within(soft, present.current).min(maximum);
    setrlimit(resource, Rlimit { current, maximum }).map_err(Into::into)
}

/// Makes this process end with its parent, even if that is killed.
#[cfg(target_os = "linux")]
fn leave_with(parent: u32) -> Result<(), ChildError> {
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(|error| ChildError::Bounds(error.into()))?;
    // The parent may have ended just before.
    let now = getppid().map(|pid| pid.as_raw_nonzero().get().unsigned_abs());
    if now == Some(parent) { Ok(()) } else { Err(ChildError::Orphaned) }
}

#[cfg(not(target_os = "linux"))]
fn leave_with(_: u32) -> Result<(), ChildError> {
    Ok(())
}

impl CompilationLimits {
    /// The limits as arguments of the compiler process.
    pub(super) fn arguments(&self) -> [String; 2] {
        [format!("--memory-bytes={}", self.memory_bytes), format!("--cpu-seconds={}", self.cpu.as_secs())]
    }

    /// The limits from arguments of the compiler process.
    #[must_use]
    pub fn of_process(memory_bytes: u64, cpu_seconds: u64) -> Self {
        Self { memory_bytes, cpu: Duration::from_secs(cpu_seconds), ..Self::default() }
    }
}

const NICE: i32 = 10;
const ASIDE_BYTES: u64 = 512 << 20;
