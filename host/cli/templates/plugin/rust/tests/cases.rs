//! Replays `tests/*.json` without a sandbox.

use bursar_plugin_sdk::cases;
use {{crate}}::{{type}};

#[test]
fn every_case() {
    cases::{{replay}}::<{{type}}>(env!("CARGO_MANIFEST_DIR").as_ref());
}
