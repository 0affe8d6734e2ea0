//! Certificates nobody here wrote: the system's own roots.

use futures::stream::{self, StreamExt as _};
use serde_json::json;

use crate::support::Account;
use crate::support::pki::{P256, Workshop, blocks};
use crate::support::samples::credential;

/// There is no key to go with them, so an unrelated one is offered: the only
/// thing wrong must be the key, which proves that the certificate was read.
#[tokio::test]
async fn every_root_of_the_system_is_read() {
    let account = Account::new().await;
    let bundle =
        std::fs::read_to_string(BUNDLE).unwrap_or_else(|error| panic!("{BUNDLE} (package ca-certificates): {error}"));
    let roots = blocks(&bundle);
    assert!(roots.len() > 100, "{} certificates", roots.len());
    let workshop = Workshop::new();
    let key = workshop.key(P256);
    let judged: Vec<_> = stream::iter(&roots)
        .map(|root| {
            let body = credential("tls-certificate", "root", json!({ "certificate": root, "privateKey": key }));
            let manager = account.manager.clone();
            async move { (root, manager.post("credentials/validate", body).await) }
        })
        .buffer_unordered(8)
        .collect()
        .await;
    for (root, reply) in judged {
        let subject = || workshop.openssl(&["x509", "-noout", "-subject", "-text"], root);
        assert_eq!(reply.pointers(), ["/data/privateKey"], "{}\n{}", reply.body, subject());
    }
}

const BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";
