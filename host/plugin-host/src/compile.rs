//! Compiling a component that was admitted.
//!
//! A file nobody approved yet must not be able to stop the broker, and no parser
//! can tell what a compiler will make of it. So the components of folders are
//! compiled by a process of their own (`process` is the broker's side of it,
//! `child` the other), which may take only so much memory and time, and whose
//! death is a reason for a rejection and nothing more. Built-in components, which
//! are the project's own, are compiled in the broker: at a first start that is
//! twice as fast.

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
    /// Here, without bounds: for authors' tools and tests, on components that
    /// are trusted.
    #[default]
    InProcess,
    /// In a process of its own.
    Process(CompilerProcess),
}

/// Why there is no code.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum CompileError {
    /// The compiler refuses the component.
    #[error("it does not compile: {0}")]
    Invalid(String),
    /// The process ended before it was done, and would do so again.
    #[error("it cannot be compiled: {0}")]
    Ended(String),
    /// It says nothing of the component.
    #[error("it could not be compiled now: {0}")]
    Unavailable(String),
    /// Nobody waits for it any more.
    #[error("the plugin host is shutting down")]
    Stopped,
}

impl CompileError {
    /// Whether another try would end the same way.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self, Self::Invalid(_) | Self::Ended(_))
    }

    pub(crate) fn invalid(error: &wasmtime::Error) -> Self {
        Self::Invalid(sentence(&format!("{error:#}")))
    }
}

impl Compiler {
    /// Machine code of a component, for `engine`. It takes a while; `cancellation` ends
    /// it before its time.
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

/// What the process answers: a word, then the engine's settings and the code, or
/// a reason.
const CODE: &[u8; 8] = b"bursar+\n";
const REASON: &[u8; 8] = b"bursar-\n";
const SETTINGS_BYTES: usize = 32;
