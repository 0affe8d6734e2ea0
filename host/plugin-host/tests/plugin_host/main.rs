//! The host against plugins that do their worst. They are `tests/guests/hostile`
//! and, in the network plane, `tests/guests/talker`, built by the tests
//! themselves.

mod admission;
mod answers;
mod cache;
mod containment;
mod live;
mod logs;
mod manifest;
mod network;
mod sharing;
mod support;
