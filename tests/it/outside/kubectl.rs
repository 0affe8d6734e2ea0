use crate::support::account::unique;
use crate::support::samples::{basic, registry, tls};
use crate::support::tools::{run, tool};
use crate::support::{Account, Server};

/// kubectl parses the manifests that the command line makes, and keeps each
/// Secret's type.
#[tokio::test]
async fn kubectl_accepts_the_manifests() {
    let server = Server::shared().await;
    let account = Account::on(&server).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (body, format, kind) in [
        (registry(&unique("Registry_A")), "kubernetes.io/dockerconfigjson", "kubernetes.io/dockerconfigjson"),
        (basic(&unique("basic")), "kubernetes.io/basic-auth", "kubernetes.io/basic-auth"),
        (basic(&unique("basic")), "nginx/htpasswd", "Opaque"),
        (tls(&unique("tls")), "kubernetes.io/tls", "kubernetes.io/tls"),
    ] {
        let name = account.create(body).await["name"].as_str().expect("a name").to_owned();
        let made = server.cli(&[
            "--account",
            &account.name,
            "credential",
            "materialize",
            &name,
            "--format",
            format,
            "--manifest",
            "--namespace",
            "web",
        ]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let file = folder.path().join("secret.yaml");
        std::fs::write(&file, &made.stdout).expect("a file");
        let label = |output: &str| {
            let mut kubectl = tool("kubectl", "kubernetes-client");
            run(kubectl.args(["label", "--local", "-f"]).arg(&file).args(["a=b", "-o", output])).output()
        };
        assert!(label("name").trim().starts_with("secret/"), "{name}");
        let secret: serde_json::Value = serde_json::from_str(&label("json")).expect("JSON");
        assert_eq!((&secret["type"], &secret["metadata"]["namespace"]), (&kind.into(), &"web".into()));
        let dns = secret["metadata"]["name"].as_str().expect("a name");
        assert!(dns.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'), "DNS-1123: {dns}");
    }
}
