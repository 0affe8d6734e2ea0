//! Replays `tests/*.json` without a sandbox. The keys in there were made for
//! these tests and guard nothing.

use bursar_plugin_sdk::cases;
use tls_certificate::TlsCertificate;

#[test]
fn every_case() {
    cases::replay::<TlsCertificate>(env!("CARGO_MANIFEST_DIR").as_ref());
}
