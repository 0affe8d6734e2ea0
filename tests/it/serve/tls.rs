//! The TLS listener.

use std::os::unix::fs::PermissionsExt as _;

use crate::main_job::walk;
use crate::support::Server;
use crate::support::pki::{P256, Workshop};

#[tokio::test]
async fn the_main_job_runs_over_tls() {
    let workshop = Workshop::new();
    let made = workshop.hierarchy(P256, "bursar.example.com,IP:127.0.0.1");
    let chain = format!("{}{}", made.leaf.certificate, made.intermediate.certificate);
    let certificate = workshop.write("server.pem", chain);
    let key = workshop.write("server.key", &made.leaf.key);
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).expect("its mode can be set");
    let server = Server::builder().https(&certificate, &key, made.root.certificate.as_bytes()).start().await;
    assert!(server.base().starts_with("https://"));
    walk(&server).await;

    // An independent client agrees on the protocol and the chain.
    workshop.write("root.pem", &made.root.certificate);
    for version in ["-tls1_2", "-tls1_3"] {
        let arguments =
            ["s_client", "-connect", server.address(), version, "-CAfile", "root.pem", "-verify_return_error"];
        assert!(workshop.openssl_accepts(&arguments), "{version}");
    }
    let arguments = ["s_client", "-connect", server.address(), "-tls1_1", "-CAfile", "root.pem"];
    assert!(!workshop.openssl_accepts(&arguments), "what is broken is not spoken");
}
