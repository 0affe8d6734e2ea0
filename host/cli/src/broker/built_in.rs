//! The plugins inside the binary, put there by `build.rs`.

use std::borrow::Cow;

/// Their names, for messages, and their components.
pub(super) fn plugins() -> Vec<(&'static str, Cow<'static, [u8]>)> {
    BUILT_IN.iter().map(|(name, component)| (*name, Cow::Borrowed(*component))).collect()
}

const BUILT_IN: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/built_in_plugins.rs"));
