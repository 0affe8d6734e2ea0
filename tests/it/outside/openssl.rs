use serde_json::json;

use crate::support::Account;
use crate::support::account::unique;
use crate::support::pki::{KEY_TYPES, Workshop};
use crate::support::samples::{artifact, tls_with};

/// Certificate and key of every format belong together as openssl sees it.
#[tokio::test]
async fn openssl_accepts_what_every_format_holds() {
    let account = Account::new().await;
    let workshop = Workshop::new();
    for of in KEY_TYPES {
        let made = workshop.hierarchy(of, "www.example.com");
        let mut body = tls_with(&unique("c"), &made.leaf);
        body["data"]["chain"] = json!(made.intermediate.certificate);
        let name = account.create(body).await["name"].as_str().expect("a name").to_owned();
        workshop.write("root.pem", &made.root.certificate);
        for (format, certificate, key) in [
            ("pem", "fullchain.pem", "privkey.pem"),
            ("nginx", "fullchain.pem", "privkey.pem"),
            ("kubernetes.io/tls", "tls.crt", "tls.key"),
            ("haproxy", "haproxy.pem", "haproxy.pem"),
        ] {
            let path = format!("credentials/{name}/materialize");
            let files = account.manager.post(&path, json!({ "format": format })).await.expect(200);
            let (certificate, key) = (artifact(&files, certificate), artifact(&files, key));
            assert!(workshop.is_pair(certificate, key), "{} {format}", of.name);
            workshop.openssl(&["pkey", "-check", "-noout"], key);
            workshop.write("chain.pem", certificate);
            assert!(workshop.openssl_accepts(&[
                "verify",
                "-CAfile",
                "root.pem",
                "-untrusted",
                "chain.pem",
                "chain.pem"
            ]));
            assert!(!certificate.contains('\r') && certificate.ends_with('\n'));
        }
    }
}
