//! The limits of one call.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bursar_kernel::plugin::{NetworkOperation, PluginCall};
use wasmtime::ResourceLimiter;

use crate::admission::ComponentLimits;
use crate::engine::TICK;
use crate::observe::Usage;

/// The limits of every call. [`Limits::default`] is what ships.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Linear memory of one sandbox, all its memories together, in bytes.
    pub memory_bytes: usize,
    /// CPU time of `describe`, `schema`, `template`, `inspect`, `check`.
    pub read_budget: Duration,
    /// CPU time of `materialize`.
    pub make_budget: Duration,
    /// Wall-clock time of a call, as a multiple of its CPU time.
    pub wall_factor: u32,
    /// CPU time of a call of the network plane.
    pub network_budget: Duration,
    /// Wall-clock time of a call of the network plane, including waiting.
    pub network_wall: Duration,
    /// Wall-clock time of one request and its answer.
    pub exchange_wall: Duration,
    /// Bytes that one call may copy between guest and host.
    pub copied_bytes: usize,
    /// What a component may consist of.
    pub component: ComponentLimits,
    /// Limits of compiling one.
    pub compilation: CompilationLimits,
    /// Concurrent calls of all plugins; more wait, and accounts take turns.
    pub concurrent_calls: usize,
    /// Concurrent calls of one plugin; more wait.
    pub concurrent_calls_per_plugin: usize,
    /// Concurrent calls on behalf of one account: as many as the machine computes
    /// at once, and fewer than one plugin takes, which leaves room for others.
    pub concurrent_calls_per_account: usize,
    /// Calls of one account that may wait; further ones are refused.
    pub waiting_calls_per_account: usize,
    /// Concurrent calls of the network plane, which have separate places: a slow
    /// service must not delay pure calls.
    pub concurrent_network_calls: usize,
    /// Concurrent calls of the network plane of one plugin; more wait.
    pub concurrent_network_calls_per_plugin: usize,
    /// Concurrent calls of the network plane on behalf of one account.
    pub concurrent_network_calls_per_account: usize,
}

/// The limits of a compilation in a separate process.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CompilationLimits {
    /// Memory of the process, in bytes.
    pub memory_bytes: u64,
    /// CPU time of all its threads.
    pub cpu: Duration,
    /// Maximum size of the machine code and its metadata, in bytes.
    pub code_bytes: u64,
}

impl CompilationLimits {
    /// Wall-clock time. Generous, since the process has a low priority.
    pub(crate) fn wall(&self) -> Duration {
        self.cpu * WALL_FACTOR + Duration::from_secs(10)
    }
}

impl Default for CompilationLimits {
    fn default() -> Self {
        Self { memory_bytes: 512 << 20, cpu: Duration::from_mins(1), code_bytes: 48 << 20 }
    }
}

impl Default for Limits {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        Self {
            memory_bytes: 64 << 20,
            read_budget: Duration::from_millis(250),
            make_budget: Duration::from_secs(1),
            wall_factor: 5,
            network_budget: Duration::from_secs(2),
            network_wall: Duration::from_mins(1),
            exchange_wall: Duration::from_secs(15),
            copied_bytes: 4 << 20,
            component: ComponentLimits::default(),
            compilation: CompilationLimits::default(),
            concurrent_calls: 64,
            concurrent_calls_per_plugin: (2 * cores).clamp(8, 32),
            concurrent_calls_per_account: cores.clamp(2, 16),
            waiting_calls_per_account: 512,
            concurrent_network_calls: 64,
            concurrent_network_calls_per_plugin: 16,
            concurrent_network_calls_per_account: 8,
        }
    }
}

impl Limits {
    /// CPU time of `call`.
    pub(crate) fn budget(&self, call: Call) -> Duration {
        match call {
            Call::Describe | Call::Schema | Call::Template | Call::Inspect | Call::Check => self.read_budget,
            Call::Materialize => self.make_budget,
            Call::Probe | Call::DnsCheck | Call::DnsPresent | Call::DnsPoll | Call::DnsCleanup => self.network_budget,
        }
    }

    /// Wall-clock time of `call`.
    pub(crate) fn wall(&self, call: Call) -> Duration {
        if call.may_speak() { self.network_wall } else { self.budget(call) * self.wall_factor }
    }

    /// CPU time of `call` in epochs, at least one.
    pub(crate) fn ticks(&self, call: Call) -> u32 {
        u32::try_from(self.budget(call).as_millis() / TICK.as_millis()).unwrap_or(u32::MAX).max(1)
    }
}

/// A function of the contract, for budgets and log lines.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Call {
    Describe,
    Schema,
    Template,
    Inspect,
    Check,
    Materialize,
    Probe,
    DnsCheck,
    DnsPresent,
    DnsPoll,
    DnsCleanup,
}

impl From<PluginCall<'_>> for Call {
    fn from(call: PluginCall<'_>) -> Self {
        match call {
            PluginCall::Template { .. } => Self::Template,
            PluginCall::Inspect { .. } => Self::Inspect,
            PluginCall::Check { .. } => Self::Check,
            PluginCall::Materialize { .. } => Self::Materialize,
            PluginCall::Network { operation, .. } => match operation {
                NetworkOperation::Probe => Self::Probe,
                NetworkOperation::DnsCheck { .. } => Self::DnsCheck,
                NetworkOperation::DnsPresent { .. } => Self::DnsPresent,
                NetworkOperation::DnsPoll { .. } => Self::DnsPoll,
                NetworkOperation::DnsCleanup { .. } => Self::DnsCleanup,
            },
        }
    }
}

impl Call {
    /// Its name in the contract.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Describe => "form.describe",
            Self::Schema => "form.schema",
            Self::Template => "form.template",
            Self::Inspect => "form.inspect",
            Self::Check => "form.check",
            Self::Materialize => "materializer.materialize",
            Self::Probe => "prober.probe",
            Self::DnsCheck => "dns01.check",
            Self::DnsPresent => "dns01.present",
            Self::DnsPoll => "dns01.poll",
            Self::DnsCleanup => "dns01.cleanup",
        }
    }

    /// Whether it belongs to the network plane.
    pub(crate) fn may_speak(self) -> bool {
        match self {
            Self::Describe | Self::Schema | Self::Template | Self::Inspect | Self::Check | Self::Materialize => false,
            Self::Probe | Self::DnsCheck | Self::DnsPresent | Self::DnsPoll | Self::DnsCleanup => true,
        }
    }
}

/// Counts the memory of one sandbox. Wasmtime's own limiter bounds each linear
/// memory separately, and a component may have many.
pub(crate) struct Meter {
    left_bytes: usize,
    usage: Arc<Usage>,
}

impl Meter {
    pub(crate) fn new(limits: &Limits, usage: Arc<Usage>) -> Self {
        Self { left_bytes: limits.memory_bytes, usage }
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current);
        let Some(left) = self.left_bytes.checked_sub(more) else {
            return Err(wasmtime::Error::new(OutOfMemory));
        };
        self.usage.memory_bytes.fetch_add(more, Ordering::Relaxed);
        self.left_bytes = left;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        Err(wasmtime::Error::new(OutOfMemory))
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        if desired > TABLE_ELEMENTS { Err(wasmtime::Error::new(OutOfMemory)) } else { Ok(true) }
    }

    fn instances(&self) -> usize {
        256
    }

    fn tables(&self) -> usize {
        TABLES as usize
    }

    fn memories(&self) -> usize {
        MEMORIES as usize
    }
}

/// The guest asked for more memory than a sandbox has.
#[derive(Debug, thiserror::Error)]
#[error("more memory than the sandbox has")]
pub(crate) struct OutOfMemory;

/// Elements of one table.
pub(crate) const TABLE_ELEMENTS: usize = 20_000;
/// Memories of one sandbox.
pub(crate) const MEMORIES: u32 = 8;
/// Tables of one sandbox.
pub(crate) const TABLES: u32 = 16;
const WALL_FACTOR: u32 = 4;
