use serde_json::json;

use crate::support::Account;
use crate::support::samples::{artifact, registry_with};
use crate::support::tools::{run, tool};

/// skopeo reads both files and finds each registry's login, and no other (S0-09, S2-02, S4-03, S4-04, S4-08).
#[tokio::test]
async fn skopeo_reads_the_logins() {
    let account = Account::new().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let key_file = json!({ "type": "service_account", "private_key": "-----BEGIN\n\"quoted\"\\" }).to_string();
    for (name, data, asks, user) in [
        (
            "ghcr",
            json!({ "server": "ghcr.io", "username": "octo", "password": "s3cret:with:colons" }),
            "ghcr.io",
            "octo",
        ),
        ("hub", json!({ "email": "o@example.com", "username": "octo", "password": "dckr_pat_1" }), "docker.io", "octo"),
        (
            "own",
            json!({ "server": "registry.example.com:5000", "username": "ünï", "password": "pässwörd" }),
            "registry.example.com:5000",
            "ünï",
        ),
        (
            "harbor",
            json!({ "provider": "harbor", "server": "harbor.example.com", "username": "robot$p+n", "password": "x" }),
            "harbor.example.com",
            "robot$p+n",
        ),
        (
            "gar",
            json!({ "server": "europe-docker.pkg.dev", "username": "_json_key", "password": key_file }),
            "europe-docker.pkg.dev",
            "_json_key",
        ),
    ] {
        account.create(registry_with(name, data)).await;
        for (format, file) in [
            ("docker/config.json", "config.json"),
            ("containers/auth.json", "auth.json"),
            ("kubernetes.io/dockerconfigjson", ".dockerconfigjson"),
        ] {
            let files = account
                .manager
                .post(&format!("credentials/{name}/materialize"), json!({ "format": format }))
                .await
                .expect(200);
            let path = folder.path().join(format!("{name}-{file}"));
            std::fs::write(&path, artifact(&files, file)).expect("a file");
            let login = |registry: &str| {
                run(tool("skopeo", "skopeo").args(["login", "--get-login", "--authfile"]).arg(&path).arg(registry))
            };
            assert_eq!(login(asks).output().trim_end(), user, "{name} {format}");
            assert!(!login("other.example.com").ok, "{name} {format}");
        }
    }
}
