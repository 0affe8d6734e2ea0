//! `bursar serve` as a process: listeners and shutdown.

mod connections;
mod early;
mod listen;
mod proxies;
mod reload;
mod shutdown;
mod tls;
