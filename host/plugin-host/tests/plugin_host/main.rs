//! The host against a plugin that does its worst. The plugin is
//! `tests/guests/hostile`, built by the tests themselves.

mod admission;
mod answers;
mod cache;
mod containment;
mod form;
mod live;
mod logs;
mod manifest;
mod sharing;
mod support;
