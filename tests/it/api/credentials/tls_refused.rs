//! Broken uploads: a 422 that names the field, and nothing stored.

use base64::Engine as _;
use serde_json::{Value, json};

use crate::support::Account;
use crate::support::pki::{P256, RSA_2048, Workshop, blocks};
use crate::support::reply::text;
use crate::support::samples::{credential, tls_with};

#[tokio::test]
async fn each_broken_upload_names_its_field() {
    let account = Account::new().await;
    let workshop = Workshop::new();
    let good = workshop.leaf("www.example.com");
    let other = workshop.leaf("www.example.org");
    let der = base64::engine::general_purpose::STANDARD
        .decode(good.certificate.lines().filter(|line| !line.starts_with('-')).collect::<String>());
    let der: String = der.expect("base64").iter().map(|byte| char::from(*byte)).collect();
    let truncated = &good.certificate[..good.certificate.len() / 2];
    let damaged = damage(&good.certificate);
    let empty_block = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n";
    let junk = "j".repeat(100 << 10);
    let junk_pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", "QUFB".repeat(1 << 15));

    let rows: Vec<(&str, Value, &[&str])> = vec![
        ("truncated PEM", data(truncated, &good.key), &[CERTIFICATE]),
        ("a bit turned", data(&damaged, &good.key), &[CERTIFICATE]),
        ("an empty block", data(empty_block, &good.key), &[CERTIFICATE]),
        ("wrong key", data(&good.certificate, &other.key), &[KEY]),
        ("a key of another kind", data(&good.certificate, &workshop.key(RSA_2048)), &[KEY]),
        ("two leaves", data(&format!("{}{}", good.certificate, other.certificate), &good.key), &[CERTIFICATE]),
        ("DER", data(&der, &good.key), &[CERTIFICATE]),
        ("much junk", data(&junk, &good.key), &[CERTIFICATE]),
        ("much junk as key", data(&good.certificate, &junk), &[KEY]),
        ("junk in a PEM block", data(&junk_pem, &good.key), &[CERTIFICATE]),
        ("no PEM", data("hello", &good.key), &[CERTIFICATE]),
        ("empty", data("", &good.key), &[CERTIFICATE]),
        ("a key as certificate", data(&good.key, &good.key), &[CERTIFICATE]),
        ("a key beside the certificate", data(&format!("{}{}", good.certificate, good.key), &good.key), &[CERTIFICATE]),
        ("a certificate as key", data(&good.certificate, &good.certificate), &[KEY]),
        ("a public key as key", data(&good.certificate, &workshop.openssl(&["pkey", "-pubout"], &good.key)), &[KEY]),
        ("a truncated key", data(&good.certificate, &good.key[..good.key.len() / 2]), &[KEY]),
        ("no key", json!({ "certificate": good.certificate }), &[KEY]),
        ("neither", json!({}), &[CERTIFICATE, KEY]),
        (
            "a junk chain",
            json!({ "certificate": good.certificate, "privateKey": good.key, "chain": "hello" }),
            &["/data/chain"],
        ),
        ("both broken", data(truncated, "hello"), &[CERTIFICATE, KEY]),
    ];
    for (what, data, expected) in rows {
        let reply = account.manager.post("credentials", credential("tls-certificate", "c", data)).await;
        assert_eq!(reply.pointers(), expected, "{what}: {}", reply.body);
        for uploaded in [&good.key, &good.certificate] {
            let line = uploaded.lines().nth(1).expect("a line of base64");
            assert!(!String::from_utf8_lossy(&reply.bytes).contains(line), "{what} is repeated");
        }
    }
    // Nothing of it is left.
    assert_eq!(account.manager.all("credentials").await.len(), 0);
    assert_eq!(account.manager.all("credentials?deleted=true").await.len(), 0);
    let stored = account.auditor.all("audit?action=credential.create").await;
    assert_eq!(stored.iter().filter(|entry| entry["outcome"] == "ok").count(), 0, "{stored:?}");
    // And the same name goes with a good one.
    account.create(tls_with("c", &good)).await;
}

#[tokio::test]
async fn encrypted_keys_are_refused_with_a_clear_word() {
    let account = Account::new().await;
    let workshop = Workshop::new();
    for of in [P256, RSA_2048] {
        let pair = workshop.self_signed(&workshop.key(of), "/CN=www.example.com", "DNS:www.example.com");
        let pkcs8 = workshop.openssl(&["pkcs8", "-topk8", "-passout", "pass:secret"], &pair.key);
        let legacy = workshop.openssl(&["pkey", "-traditional", "-aes128", "-passout", "pass:secret"], &pair.key);
        assert!(pkcs8.contains("ENCRYPTED PRIVATE KEY") && legacy.contains("Proc-Type: 4,ENCRYPTED"));
        for key in [pkcs8, legacy] {
            let reply = account
                .manager
                .post("credentials", credential("tls-certificate", "c", data(&pair.certificate, &key)))
                .await;
            assert_eq!(reply.pointers(), ["/data/privateKey"]);
            let message = text(&reply.body["errors"][0]["message"]).to_lowercase();
            assert!(message.contains("encrypted") || message.contains("passphrase"), "{message}");
        }
    }
}

/// A private key that lands in a public field must not end up in the answer, in
/// the list or at rest in the clear.
#[tokio::test]
async fn a_key_in_a_public_field_is_refused_and_not_repeated() {
    let account = Account::new().await;
    let workshop = Workshop::new();
    let good = workshop.leaf("www.example.com");
    let chain = workshop.hierarchy(P256, "x.example.com");
    for data in [
        data(&format!("{}{}", good.key, good.certificate), &good.key),
        json!({ "certificate": chain.leaf.certificate, "privateKey": chain.leaf.key,
                "chain": format!("{}{}", chain.intermediate.certificate, chain.leaf.key) }),
    ] {
        let reply = account.manager.post("credentials", credential("tls-certificate", "c", data)).await;
        reply.assert_status(422);
        let body = good.key.lines().nth(1).expect("a line of base64");
        assert!(!String::from_utf8_lossy(&reply.bytes).contains(body));
    }
}

fn data(certificate: &str, key: &str) -> Value {
    json!({ "certificate": certificate, "privateKey": key })
}

/// Turns a bit of the first bytes, where the structure is.
fn damage(pem: &str) -> String {
    let block = &blocks(pem)[0];
    let at = block.find('\n').expect("a first line") + 3;
    let mut bytes = block.clone().into_bytes();
    bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).expect("still ASCII")
}

const CERTIFICATE: &str = "/data/certificate";
const KEY: &str = "/data/privateKey";
