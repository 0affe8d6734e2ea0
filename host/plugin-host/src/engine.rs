//! The process's only engine: how components are compiled and where their memory
//! comes from.

use std::hash::{Hash as _, Hasher};
use std::thread;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use serde::Serialize;
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::Error;
use crate::limits::Limits;

/// Where the memory of sandboxes comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EngineMode {
    /// From a pool reserved at the start: the fast way.
    Pooling,
    /// From the system, per call: the machine allows no pool (a container with
    /// limited address space). Calls cost about three times as much.
    OnDemand,
}

impl EngineMode {
    /// As `/healthz` shows it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pooling => "pooling",
            Self::OnDemand => "on-demand",
        }
    }
}

/// Starts the engine and the thread that ticks its epochs.
///
/// # Errors
///
/// [`Error::Engine`] when not even the fallback starts.
pub(crate) fn start(limits: &Limits) -> Result<(Engine, EngineMode), Error> {
    let (engine, mode) = match Engine::new(&config(Some(pool(limits)))) {
        Ok(engine) => (engine, EngineMode::Pooling),
        Err(refused) => {
            tracing::warn!(reason = %refused, "no memory pool for plugins; each call takes memory from the system");
            (compiler()?, EngineMode::OnDemand)
        }
    };
    tick(&engine)?;
    Ok((engine, mode))
}

/// An engine that compiles for the one of [`start`] and runs nothing: it reserves
/// no memory for sandboxes, which does not affect the code.
///
/// # Errors
///
/// [`Error::Engine`] when it does not start.
pub(crate) fn compiler() -> Result<Engine, Error> {
    Engine::new(&config(None)).map_err(|error| Error::Engine(error.to_string()))
}

/// A digest of everything that decides whether code fits the engine.
pub(crate) fn settings(engine: &Engine) -> [u8; 32] {
    let mut hasher = Sha256Hasher(Context::new(&SHA256));
    engine.precompile_compatibility_hash().hash(&mut hasher);
    let mut digest = [0; 32];
    digest.copy_from_slice(hasher.0.finish().as_ref());
    digest
}

/// The standard library's hasher may differ between builds; a digest does not.
struct Sha256Hasher(Context);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let mut first = [0; 8];
        first.copy_from_slice(&self.0.clone().finish().as_ref()[..8]);
        u64::from_le_bytes(first)
    }
}

fn config(pool: Option<PoolingAllocationConfig>) -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .epoch_interruption(true)
        // Frames name guest functions, and the guest chooses the names.
        .wasm_backtrace_max_frames(None)
        .concurrency_support(false);
    if let Some(pool) = pool {
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    }
    config
}

/// Without resident memory a pooled instance would cost as much as a fresh one.
/// Python components have 38 core instances, hence the generous counts.
fn pool(limits: &Limits) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(256)
        .total_core_instances(4096)
        .total_memories(512)
        .total_tables(1024)
        .total_stacks(256)
        .max_memory_size(limits.memory_bytes)
        .max_core_instances_per_component(128)
        .max_memories_per_component(crate::limits::MEMORIES)
        .max_tables_per_component(crate::limits::TABLES)
        .table_elements(crate::limits::TABLE_ELEMENTS)
        .linear_memory_keep_resident(512 << 10)
        .table_keep_resident(64 << 10)
        .async_stack_keep_resident(64 << 10);
    pool
}

/// The thread ends once the engine is dropped.
fn tick(engine: &Engine) -> Result<(), Error> {
    let engine = engine.weak();
    thread::Builder::new()
        .name("plugin-epochs".to_owned())
        .spawn(move || {
            while let Some(engine) = engine.upgrade() {
                engine.increment_epoch();
                drop(engine);
                thread::sleep(TICK);
            }
        })
        .map_err(|error| Error::Engine(error.to_string()))?;
    Ok(())
}

/// Length of an epoch: the granularity of time budgets, and how long a guest runs
/// before it yields to others.
pub(crate) const TICK: Duration = Duration::from_millis(10);
