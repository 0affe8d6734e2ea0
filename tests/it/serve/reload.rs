//! SIGHUP, and certificates that are replaced while the broker runs.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use crate::crash::signal;
use crate::support::Server;
use crate::support::pki::{P256, Pair, Workshop};
use crate::support::server::eventually;

#[tokio::test]
async fn a_renewed_certificate_is_served_without_a_restart() {
    let workshop = Workshop::new();
    let made = workshop.hierarchy(P256, "bursar.example.com,IP:127.0.0.1");
    let chain = |leaf: &Pair| format!("{}{}", leaf.certificate, made.intermediate.certificate);
    let certificate = workshop.write("server.pem", chain(&made.leaf));
    let key = private(&workshop, &made.leaf.key);
    let server = Server::builder().https(&certificate, &key, made.root.certificate.as_bytes()).start().await;
    let first = serial_served(&workshop, &server);
    // This connection stays open through all of it.
    let client = server.operator();
    client.get("/v1/me").await.expect(200);

    // A key that does not fit leaves the good certificate in force.
    let other = workshop.hierarchy(P256, "bursar.example.com,IP:127.0.0.1");
    std::fs::write(&key, &other.leaf.key).expect("the key's file");
    let told = async || server.log().contains("the old one stays in use");
    assert!(eventually(Duration::from_secs(10), told).await, "{}", server.log());
    assert_eq!(serial_served(&workshop, &server), first);
    std::fs::write(&certificate, "no certificate").expect("the certificate's file");
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(serial_served(&workshop, &server), first);
    client.get("/v1/me").await.expect(200);

    // Both are replaced as a renewing client does it, by renaming.
    for (path, content) in [(&certificate, chain(&other.leaf)), (&key, other.leaf.key.clone())] {
        let staged = path.with_extension("new");
        std::fs::write(&staged, content).expect("a file beside it");
        std::fs::rename(&staged, path).expect("it is renamed");
    }
    let renewed = async || serial_served(&workshop, &server) != first;
    assert!(eventually(Duration::from_secs(10), renewed).await, "{}", server.log());
    client.get("/v1/me").await.expect(200);
    assert!(!server.log().contains(&other.leaf.key));
}

#[tokio::test]
async fn a_hangup_reloads_and_never_ends_the_broker() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = folder.path().join("bursar.toml");
    let write = |text: &str| std::fs::write(&config, text).expect("the configuration");
    write("[log]\nlevel = \"warn\"\n");
    let server = Server::builder().without("BURSAR_LOG__LEVEL").env("BURSAR_CONFIG", &config).start().await;
    let operator = server.operator();
    let told = async |words: &str| {
        let told = async || server.log().contains(words);
        assert!(eventually(Duration::from_secs(10), told).await, "{words}:\n{}", server.log());
    };
    let client_told = async || {
        let forwarded = operator.call(reqwest::Method::GET, "/v1/accounts/none").header("x-forwarded-for", "192.0.2.7");
        forwarded.send().await.expect(404);
        operator.all("/v1/audit?limit=5").await[0]["client"].clone()
    };
    operator.get("/v1/me").await.expect(200);
    assert!(!server.log().contains(" INFO "), "{}", server.log());
    let before = client_told().await;

    write("[log]\nlevel = \"info\"\n[server]\ntrusted_proxies = [\"127.0.0.0/8\"]\n");
    signal(server.pid(), "HUP");
    told("the configuration was read again").await;
    let after = client_told().await;
    assert_ne!(before, after, "a proxy is trusted from now on");
    assert_eq!(after, "192.0.2.7");

    // What is wrong changes nothing.
    for (wrong, words) in [
        ("[log]\nlevel = \"loud\"\n", "log.level"),
        ("[server]\ntrusted_proxys = []\n", "trusted_proxys"),
        ("[log\n", "is not valid TOML"),
    ] {
        write(wrong);
        signal(server.pid(), "HUP");
        told(words).await;
    }
    assert_eq!(client_told().await, "192.0.2.7");
    write("[log]\nlevel = \"info\"\n[limits]\nburst = 7\n[sync]\nconcurrency = 3\n");
    signal(server.pid(), "HUP");
    told("take effect at the next start keys=\"sync.concurrency\"").await;
    for _ in 0..20 {
        signal(server.pid(), "HUP");
    }
    operator.get("/v1/me").await.expect(200);
    assert!(server.is_running());
}

/// Of the leaf that the listener shows to a new connection.
fn serial_served(workshop: &Workshop, server: &Server) -> String {
    let shown = workshop.openssl(&["s_client", "-connect", server.address()], "");
    workshop.openssl(&["x509", "-noout", "-serial"], &shown)
}

fn private(workshop: &Workshop, key: &str) -> std::path::PathBuf {
    let path = workshop.write("server.key", key);
    let file: &Path = &path;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).expect("its mode can be set");
    path
}
