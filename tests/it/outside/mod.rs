//! Programs that are not ours accept what we make.

mod docker;
mod htpasswd;
mod kubectl;
mod nginx;
mod openssl;
mod psql;
mod wasm_tools;
