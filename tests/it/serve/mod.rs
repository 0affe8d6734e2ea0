//! `bursar serve` as a process: listeners and shutdown.

mod connections;
mod early;
mod listen;
mod proxies;
mod shutdown;
mod tls;
