//! Chains: mended where the order is wrong, refused where they do not belong.

use serde_json::json;

use crate::support::Account;
use crate::support::pki::{ED25519, Hierarchy, P256, P384, RSA_2048, Workshop, blocks};
use crate::support::samples::{artifact, credential};

/// A chain may come in any order, in a field of its own or with the certificate (S0-28).
#[tokio::test]
async fn a_shuffled_chain_is_mended() {
    let account = Account::new().await;
    let workshop = Workshop::new();
    for of in [RSA_2048, P256, P384, ED25519] {
        let Hierarchy { root, intermediate, leaf } = workshop.hierarchy(of, "www.example.com");
        let (root, middle, end) = (&root.certificate, &intermediate.certificate, &leaf.certificate);
        for (number, (certificate, chain)) in [
            (end.clone(), middle.clone()),
            (end.clone(), format!("{root}{middle}")),
            (end.clone(), format!("{middle}{root}").replace('\n', "\r\n")),
            (format!("{end}{middle}"), String::new()),
            (format!("{middle}{end}"), String::new()),
            (format!("{root}{end}{middle}"), String::new()),
            (end.clone(), format!("{middle}{middle}")),
            (format!("{end}{middle}"), middle.clone()),
        ]
        .into_iter()
        .enumerate()
        {
            let mut data = json!({ "certificate": certificate, "privateKey": leaf.key });
            if !chain.is_empty() {
                data["chain"] = json!(chain);
            }
            let name = format!("c-{}-{number}", of.name);
            let created = account.create(credential("tls-certificate", &name, data)).await;
            assert_eq!(
                blocks(created["data"]["certificate"].as_str().expect("PEM")),
                std::slice::from_ref(end),
                "the leaf alone"
            );
            let path = format!("credentials/{name}/materialize");
            let files = account.manager.post(&path, json!({ "format": "pem" })).await.expect(200);
            let parts = blocks(artifact(&files, "fullchain.pem"));
            assert_eq!(parts[..2], [end.clone(), middle.clone()], "leaf first, then who signed it");
            assert!(parts.len() == 2 || parts[2..] == [root.clone()], "the root last, if at all");

            // openssl builds the path from what we handed out, trusting the root alone.
            workshop.write("root.pem", root);
            workshop.write("leaf.pem", &parts[0]);
            workshop.write("untrusted.pem", parts[1..].concat());
            let arguments = ["verify", "-CAfile", "root.pem", "-untrusted", "untrusted.pem", "leaf.pem"];
            assert!(workshop.openssl_accepts(&arguments), "{name}");
        }
    }
}

#[tokio::test]
async fn a_certificate_off_the_path_is_refused() {
    let account = Account::new().await;
    let workshop = Workshop::new();
    let ours = workshop.hierarchy(P256, "www.example.com");
    let theirs = workshop.hierarchy(P256, "www.example.com");
    for chain in [
        theirs.intermediate.certificate.clone(),
        theirs.root.certificate.clone(),
        format!("{}{}", ours.intermediate.certificate, theirs.root.certificate),
        workshop.leaf("other.example.com").certificate,
    ] {
        let data = json!({ "certificate": ours.leaf.certificate, "privateKey": ours.leaf.key, "chain": chain });
        let reply = account.manager.post("credentials", credential("tls-certificate", "c", data)).await;
        assert_eq!(reply.pointers(), ["/data/chain"], "{}", reply.body);
    }
    assert_eq!(account.manager.all("credentials").await.len(), 0);
}
