//! Replays `tests/*.json` without a sandbox.

use bursar_plugin_sdk::cases;
use dns_acme_dns::AcmeDns;

#[test]
fn every_case() {
    cases::replay_dns01::<AcmeDns>(env!("CARGO_MANIFEST_DIR").as_ref());
}
