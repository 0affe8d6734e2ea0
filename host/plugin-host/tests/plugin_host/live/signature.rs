//! Detached signatures in the form of minisign.

use std::io::Cursor;
use std::path::Path;

use bursar_kernel::plugin::{Plugins as _, State};
use bursar_plugin_host::{Approval, Error, PluginHost, PluginHostConfig, Signed, TrustedKey, examine};
use minisign::KeyPair;

use super::{Live, Place, asking};
use crate::support::{Guest, config};

fn key() -> (KeyPair, TrustedKey) {
    let pair = KeyPair::generate_unencrypted_keypair().unwrap();
    let trusted = pair.pk.to_base64().parse().unwrap();
    (pair, trusted)
}

fn signature(pair: &KeyPair, bytes: &[u8]) -> String {
    minisign::sign(None, &pair.sk, Cursor::new(bytes), None, None).unwrap().into_string()
}

async fn start(place: &Place, approval: Approval, trusted: &TrustedKey) -> Live {
    Live::start(place, |config| {
        config.approval = approval;
        config.trusted_keys = vec![trusted.clone()];
    })
    .await
}

#[tokio::test]
async fn only_what_is_signed_is_accepted_and_needs_no_more() {
    let ((pair, trusted), (stranger, _)) = (key(), key());
    let place = Place::new();
    let live = start(&place, Approval::SignedOnly, &trusted).await;
    let bytes = asking("1.0.0", &["a.example.com"]).bytes();
    place.put("mine.wasm", &bytes);
    let all = live.until(&[("mine", "", State::Rejected)]).await;
    assert!(all[0].reason.as_deref().unwrap().contains("it is not signed"), "{:?}", all[0].reason);
    place.put("mine.wasm.minisig", signature(&stranger, &bytes).as_bytes());
    live.until_told("not among plugins.trusted_keys").await;
    place.put("mine.wasm.minisig", signature(&pair, &[&bytes[..], b"x"].concat()).as_bytes());
    live.until_told("does not match the file").await;
    place.put("mine.wasm.minisig", b"nonsense");
    live.until_told("not a minisign signature").await;
    place.put("mine.wasm.minisig", signature(&pair, &bytes).as_bytes());
    let all = live.until(&[("hostile", "1.0.0", State::Active)]).await;
    assert_eq!(all[0].signed_by.as_deref(), Some(trusted.to_string().as_str()));

    // What is kept is held against the keys of the start that uses it.
    place.put("mine.wasm", b"junk");
    live.until(&[("hostile", "1.0.0", State::Active), ("hostile", "", State::Rejected)]).await;
    drop(live);
    let live = start(&place, Approval::SignedOnly, &trusted).await;
    live.until(&[("hostile", "1.0.0", State::Active), ("hostile", "", State::Rejected)]).await;
    drop(live);
    let live = start(&place, Approval::SignedOnly, &key().1).await;
    live.until(&[("hostile", "", State::Rejected)]).await;
}

#[tokio::test]
async fn a_wrong_signature_is_refused_under_every_policy() {
    let ((pair, trusted), (stranger, _)) = (key(), key());
    for approval in [Approval::Ask, Approval::Allow] {
        let place = Place::new();
        let live = start(&place, approval, &trusted).await;
        let bytes = Guest::new().bytes();
        place.put("mine.wasm.minisig", signature(&pair, b"something else").as_bytes());
        place.put("mine.wasm", &bytes);
        let all = live.until(&[("mine", "", State::Rejected)]).await;
        assert!(all[0].reason.as_deref().unwrap().contains("does not match the file"));
        // One by somebody else says nothing, and that is told.
        place.put("mine.wasm.minisig", signature(&stranger, &bytes).as_bytes());
        let all = live.until(&[("hostile", "1.0.0", State::Active)]).await;
        assert_eq!(all[0].signed_by, None);
        assert!(all[0].reason.as_deref().unwrap().contains("not among plugins.trusted_keys"));
        std::fs::remove_file(place.folder().join("mine.wasm.minisig")).unwrap();
        reason_is_gone(&live).await;
        place.put("mine.wasm.minisig", signature(&pair, &bytes).as_bytes());
        let start = std::time::Instant::now();
        while live.host.status()[0].signed_by.is_none() {
            assert!(start.elapsed() < super::LIMIT);
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test]
async fn only_signed_ones_need_somebody_who_signs() {
    let outcome = PluginHost::load(PluginHostConfig { approval: Approval::SignedOnly, ..config() }).await;
    assert!(matches!(outcome, Err(Error::NoTrustedKey)));
}

#[tokio::test]
async fn a_file_is_examined_as_a_broker_would() {
    let (pair, trusted) = key();
    let place = Place::new();
    let bytes = asking("1.0.0", &["a.example.com"]).bytes();
    let file = place.put("mine.wasm", &bytes);
    let examined = examine(&file, Vec::new()).await.unwrap().unwrap();
    assert_eq!((examined.manifest.id.as_str(), &examined.signed), ("hostile", &Signed::Not));
    assert_eq!(
        examined.permissions.words(),
        [
            "reach a.example.com: It lives there.",
            "fill the public field /publicKey from a secret",
            "fill the public field /fingerprint from a secret",
        ]
    );
    assert!(examined.info.imports.iter().any(|import| import.starts_with("bursar:plugin/http@")));
    assert_eq!(examined.info.size_bytes, bytes.len() as u64);
    place.put("mine.wasm.minisig", signature(&pair, &bytes).as_bytes());
    let signed = async |keys| examine(&file, keys).await.unwrap().unwrap().signed;
    assert_eq!(signed(Vec::new()).await, Signed::Unchecked);
    assert_eq!(signed(vec![key().1]).await, Signed::Unknown);
    assert_eq!(signed(vec![key().1, trusted.clone()]).await, Signed::By(trusted.to_string()));
    place.put("mine.wasm", b"junk");
    let refused = async |file: &Path, keys| examine(file, keys).await.unwrap().unwrap_err();
    assert!(refused(&file, Vec::new()).await.contains("not a WebAssembly component"));
    assert!(refused(&place.folder().join("none.wasm"), Vec::new()).await.contains("cannot be read"));
}

async fn reason_is_gone(live: &Live) {
    let start = std::time::Instant::now();
    while live.host.status()[0].reason.is_some() || live.host.status().len() > 1 {
        assert!(start.elapsed() < super::LIMIT);
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}
