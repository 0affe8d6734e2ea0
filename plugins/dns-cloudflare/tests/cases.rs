//! Replays `tests/*.json` without a sandbox.

use bursar_plugin_sdk::cases;
use dns_cloudflare::Cloudflare;

#[test]
fn every_case() {
    cases::replay_dns01::<Cloudflare>(env!("CARGO_MANIFEST_DIR").as_ref());
}
