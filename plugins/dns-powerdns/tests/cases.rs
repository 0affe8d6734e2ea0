//! Replays `tests/*.json` without a sandbox.

use bursar_plugin_sdk::cases;
use dns_powerdns::PowerDns;

#[test]
fn every_case() {
    cases::replay_dns01::<PowerDns>(env!("CARGO_MANIFEST_DIR").as_ref());
}
