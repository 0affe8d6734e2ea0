//! The targets, held against what they speak to: the real thing, or a fake that
//! others proved.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod codes;
mod directory;
mod kubernetes;
mod openbao;
mod settings;
mod support;
mod webhook;
