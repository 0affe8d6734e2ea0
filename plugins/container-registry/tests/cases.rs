//! Replays `tests/*.json` without a sandbox.

use bursar_plugin_sdk::cases;
use container_registry::ContainerRegistry;

#[test]
fn every_case() {
    cases::replay::<ContainerRegistry>(env!("CARGO_MANIFEST_DIR").as_ref());
}
