//! The tests of the targets, one binary: each against the real thing it pushes
//! to, or a fake that others proved.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod directory;
