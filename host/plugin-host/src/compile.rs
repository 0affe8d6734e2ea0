//! Compiles a component that was admitted.
//!
//! A file that nobody has approved must not be able to stop the broker, and no
//! parser can predict what a compiler will make of it. Components of folders are
//! therefore compiled by a separate process (`process` is the broker's side,
//! `child` the other) with bounded memory and time, whose death is a reason to
//! reject the file and nothing more. Built-in components, which are the project's
//! own, are compiled in the broker: that makes a first start twice as fast.

mod child;
mod process;

use wasmtime::Engine;

pub use self::child::{ChildError, compile_for_parent};
pub use self::process::CompilerProcess;
pub(crate) use self::process::{CancelOnDrop, Cancellation};

use crate::limits::CompilationLimits;
use crate::text::sentence;

/// Where the components of folders are compiled.
#[derive(Clone, Debug, Default)]
pub enum Compiler {
    /// In this process, without limits: for authors' tools and tests, with trusted
    /// components.
    #[default]
    InProcess,
    /// In a separate process.
    Process(CompilerProcess),
}

/// Why a compilation yielded no code.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum CompileError {
    /// The compiler rejects the component.
    #[error("it does not compile: {0}")]
    Invalid(String),
    /// The process ended early, and would do so again.
    #[error("it cannot be compiled: {0}")]
    Ended(String),
    /// The failure has nothing to do with the component.
    #[error("it could not be compiled now: {0}")]
    Unavailable(String),
    /// Nobody waits for the result any more.
    #[error("the plugin host is shutting down")]
    Stopped,
}

impl CompileError {
    /// Whether another attempt would fail the same way.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self, Self::Invalid(_) | Self::Ended(_))
    }

    pub(crate) fn invalid(error: &wasmtime::Error) -> Self {
        Self::Invalid(sentence(&format!("{error:#}")))
    }
}

impl Compiler {
    /// Compiles a component for `engine`. This takes a while; `cancellation` ends
    /// it early.
    ///
    /// # Errors
    ///
    /// See [`CompileError`].
    pub(crate) fn compile(
        &self,
        engine: &Engine,
        wasm: &[u8],
        limits: &CompilationLimits,
        cancellation: &Cancellation,
    ) -> Result<Vec<u8>, CompileError> {
        match self {
            Self::InProcess => engine.precompile_component(wasm).map_err(|error| CompileError::invalid(&error)),
            Self::Process(process) => process.compile(&crate::engine::settings(engine), wasm, limits, cancellation),
        }
    }
}

/// The process answers a tag, then the engine's settings and the code, or a
/// reason.
const CODE: &[u8; 8] = b"bursar+\n";
const REASON: &[u8; 8] = b"bursar-\n";
const SETTINGS_BYTES: usize = 32;
