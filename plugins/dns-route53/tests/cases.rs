//! Replays `tests/*.json` without a sandbox.

use bursar_plugin_sdk::cases;
use dns_route53::Route53;

#[test]
fn every_case() {
    cases::replay_dns01::<Route53>(env!("CARGO_MANIFEST_DIR").as_ref());
}
