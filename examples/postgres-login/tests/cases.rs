//! Replays `tests/*.json` without a sandbox.

use bursar_plugin_sdk::cases;
use postgres_login::PostgresLogin;

#[test]
fn every_case() {
    cases::replay_generating::<PostgresLogin>(env!("CARGO_MANIFEST_DIR").as_ref());
}
