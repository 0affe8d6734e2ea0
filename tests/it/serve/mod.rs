//! `bursar serve` as a process: listeners and shutdown.

mod listen;
mod shutdown;
mod tls;
