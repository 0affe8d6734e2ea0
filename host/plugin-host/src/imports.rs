//! The imports that plugins are linked with.
//!
//! In the pure plane they do nothing: the contract's own imports answer
//! `unsupported`, and log lines are counted and dropped, since they could spell
//! out a secret. In the network plane they lead to [`Plane`]. Guests written in
//! JavaScript or Python import WASI whether they use it or not. It is inert in
//! both planes: no files, environment, arguments or sockets, a clock that stands
//! still, deterministic randomness.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use wasmtime::Engine;
use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView as _};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView as _};
use wasmtime_wasi::p2::bindings as wasi;
use wasmtime_wasi::random::{WasiRandom, WasiRandomCtx};
use wasmtime_wasi::{Deterministic, HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxView, WasiView};

use crate::limits::{Limits, Meter};
use crate::network::log::Level;
use crate::network::plane::Plane;
use crate::observe::Usage;

/// The state of one sandbox.
pub(crate) struct SandboxState {
    pub(crate) meter: Meter,
    usage: Arc<Usage>,
    seed: [u8; 32],
    /// Present in the network plane only.
    plane: Option<Box<Plane>>,
    /// Made on first use: most plugins never ask.
    wasi: Option<WasiCtx>,
    resources: ResourceTable,
}

impl SandboxState {
    /// `seed` replaces randomness; `usage` collects what the call uses and logs.
    pub(crate) fn new(limits: &Limits, seed: [u8; 32], usage: Arc<Usage>) -> Self {
        let mut resources = ResourceTable::new();
        resources.set_max_capacity(MAX_RESOURCES);
        Self { meter: Meter::new(limits, Arc::clone(&usage)), usage, seed, plane: None, wasi: None, resources }
    }

    /// Enters the network plane.
    pub(crate) fn enter(&mut self, plane: Plane) {
        self.plane = Some(Box::new(plane));
    }

    /// The network plane, if the call is in it.
    pub(crate) fn plane(&mut self) -> Option<&mut Plane> {
        self.plane.as_deref_mut()
    }

    /// A line the plugin logged: in the pure plane only its length is kept.
    pub(crate) fn logged(&mut self, level: Level, line: &str) {
        self.usage.logged(line);
        if let Some(plane) = self.plane() {
            plane.log(level, line);
        }
    }
}

/// A linker that offers what a plugin may import, whichever plane a call is in.
///
/// # Errors
///
/// The engine's, when a definition does not match: a defect of ours.
pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<SandboxState>> {
    let mut linker = Linker::new(engine);
    let l = &mut linker;
    crate::v0_1::add_to_linker(l)?;
    wasi::io::error::add_to_linker::<SandboxState, HasIo>(l, |state| state.ctx().table)?;
    wasi::io::poll::add_to_linker::<SandboxState, HasIo>(l, |state| state.ctx().table)?;
    wasi::io::streams::add_to_linker::<SandboxState, HasIo>(l, |state| state.ctx().table)?;
    wasi::clocks::wall_clock::add_to_linker::<SandboxState, WasiClocks>(l, SandboxState::clocks)?;
    wasi::clocks::monotonic_clock::add_to_linker::<SandboxState, WasiClocks>(l, SandboxState::clocks)?;
    wasi::filesystem::types::add_to_linker::<SandboxState, WasiFilesystem>(l, SandboxState::filesystem)?;
    wasi::filesystem::preopens::add_to_linker::<SandboxState, WasiFilesystem>(l, SandboxState::filesystem)?;
    wasi::random::random::add_to_linker::<SandboxState, WasiRandom>(l, SandboxState::chance)?;
    wasi::random::insecure::add_to_linker::<SandboxState, WasiRandom>(l, SandboxState::chance)?;
    wasi::random::insecure_seed::add_to_linker::<SandboxState, WasiRandom>(l, SandboxState::chance)?;
    wasi::cli::exit::add_to_linker::<SandboxState, WasiCli>(l, SandboxState::cli)?;
    wasi::cli::environment::add_to_linker::<SandboxState, WasiCli>(l, SandboxState::cli)?;
    wasi::cli::stdin::add_to_linker::<SandboxState, WasiCli>(l, SandboxState::cli)?;
    wasi::cli::stdout::add_to_linker::<SandboxState, WasiCli>(l, SandboxState::cli)?;
    wasi::cli::stderr::add_to_linker::<SandboxState, WasiCli>(l, SandboxState::cli)?;
    wasi::cli::terminal_input::add_to_linker::<SandboxState, WasiCli>(l, SandboxState::cli)?;
    wasi::cli::terminal_output::add_to_linker::<SandboxState, WasiCli>(l, SandboxState::cli)?;
    wasi::cli::terminal_stdin::add_to_linker::<SandboxState, WasiCli>(l, SandboxState::cli)?;
    wasi::cli::terminal_stdout::add_to_linker::<SandboxState, WasiCli>(l, SandboxState::cli)?;
    wasi::cli::terminal_stderr::add_to_linker::<SandboxState, WasiCli>(l, SandboxState::cli)?;
    Ok(linker)
}

impl WasiView for SandboxState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let seed = self.seed;
        let ctx = self.wasi.get_or_insert_with(|| inert(seed));
        WasiCtxView { ctx, table: &mut self.resources }
    }
}

impl SandboxState {
    fn chance(&mut self) -> &mut WasiRandomCtx {
        self.ctx().ctx.random()
    }
}

struct HasIo;

impl HasData for HasIo {
    type Data<'a> = &'a mut ResourceTable;
}

/// Standard streams are closed or discard everything by default.
fn inert(seed: [u8; 32]) -> WasiCtx {
    let mut insecure_seed = [0; 16];
    insecure_seed.copy_from_slice(&stream(seed, "insecure-seed", 1)[..16]);
    WasiCtx::builder()
        .wall_clock(Frozen)
        .monotonic_clock(Frozen)
        .secure_random(Deterministic::new(stream(seed, "random", 128)))
        .insecure_random(Deterministic::new(stream(seed, "insecure", 128)))
        .insecure_random_seed(u128::from_le_bytes(insecure_seed))
        .max_random_size(MAX_RANDOM_BYTES)
        .allow_tcp(false)
        .allow_udp(false)
        .build()
}

/// `blocks` times 32 bytes, derived from the seed only.
fn stream(seed: [u8; 32], label: &str, blocks: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    for block in 0..blocks {
        let mut context = Context::new(&SHA256);
        context.update(&seed);
        context.update(label.as_bytes());
        context.update(&block.to_be_bytes());
        bytes.extend_from_slice(context.finish().as_ref());
    }
    bytes
}

struct Frozen;

impl HostWallClock for Frozen {
    fn resolution(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

impl HostMonotonicClock for Frozen {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        0
    }
}

const MAX_RESOURCES: usize = 256;
const MAX_RANDOM_BYTES: u64 = 64 << 10;
