//! A module for `wasm32-unknown-unknown` has no standard error, so panic
//! messages would be lost.

/// Sends panic messages to the operator's log. If the call sees secrets, the
/// host logs only their length.
pub(crate) fn log_panics() {
    #[cfg(target_arch = "wasm32")]
    {
        use crate::bindings::bursar::plugin::log::{Level, log};
        static ONCE: std::sync::Once = std::sync::Once::new();
        ONCE.call_once(|| {
            std::panic::set_hook(Box::new(|panic| log(Level::Error, &panic.to_string())));
        });
    }
}
