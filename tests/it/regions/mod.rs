//! Credentials are kept in place in every region, whatever happens on the way.
//!
//! Regions of all kinds of targets are read by what stands behind them (`site`),
//! not by what the broker says of them. `convergence` runs at a size that suits a
//! small machine; `BURSAR_REGIONS_FULL=1` runs it at full size: 500 credentials in
//! 20 regions through 20 kills, in some minutes, or in less than one with a release
//! binary named by `BURSAR_BIN`. It prints a `BURSAR_TEST_SEED` that chooses the
//! same kills and changes again.

mod convergence;
mod drift;
mod ensure;
mod faults;
mod foreign;
mod nodes;
mod rename;
mod rotation;
mod secrets;
mod site;
mod stream;
mod takeover;
mod withdraw;
mod world;
mod writer;
