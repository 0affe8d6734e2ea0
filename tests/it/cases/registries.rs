//! `container-registry`, as people name registries.

use serde_json::{Value, json};

use crate::support::Account;
use crate::support::samples::{artifact, registry_with};
use crate::support::tools::{run, tool};

fn login(server: &str) -> Value {
    json!({ "server": server, "username": "octo", "password": "s3cret-token" })
}

fn hub(server: &str) -> Value {
    json!({ "server": server, "email": "o@example.com", "username": "octo", "password": "s3cret-token" })
}

/// The entry's key is the one that clients look up, as skopeo shows.
#[tokio::test]
async fn clients_find_the_login_by_the_image_s_name() {
    let account = Account::new().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    // What was written, then the keys of the three files, then what is pulled from.
    for (name, data, keys, pulled) in [
        (
            "upper",
            login("ghcr.io/Acme-Org"),
            ["ghcr.io/acme-org", "ghcr.io", "ghcr.io/acme-org"],
            "ghcr.io/acme-org/app",
        ),
        ("host", login("GHCR.IO/acme-org"), ["ghcr.io/acme-org", "ghcr.io", "ghcr.io/acme-org"], "ghcr.io/acme-org"),
        (
            "api",
            login("https://registry.example.com/v2/"),
            ["registry.example.com"; 3],
            "registry.example.com/team/app",
        ),
        (
            "old-api",
            login("registry.example.com:5000/v1/"),
            ["registry.example.com:5000"; 3],
            "registry.example.com:5000/a",
        ),
        (
            "hub",
            hub("registry.hub.docker.com"),
            ["https://index.docker.io/v1/", "https://index.docker.io/v1/", "docker.io"],
            "docker.io",
        ),
    ] {
        account.create(registry_with(name, data)).await;
        for (index, (format, file)) in [
            ("kubernetes.io/dockerconfigjson", ".dockerconfigjson"),
            ("docker/config.json", "config.json"),
            ("containers/auth.json", "auth.json"),
        ]
        .into_iter()
        .enumerate()
        {
            let path = format!("credentials/{name}/materialize");
            let files = account.manager.post(&path, json!({ "format": format })).await.expect(200);
            let text = artifact(&files, file);
            let document: Value = serde_json::from_str(text).expect("JSON");
            let found: Vec<&String> = document["auths"].as_object().expect("an object").keys().collect();
            assert_eq!(found, [keys[index]], "{name} {format}");
            let path = folder.path().join(format!("{name}-{file}"));
            std::fs::write(&path, text).expect("a file");
            let mut skopeo = tool("skopeo", "skopeo");
            skopeo.args(["login", "--get-login", "--authfile"]).arg(&path);
            // Docker's own file is by host alone.
            let asked =
                if format == "docker/config.json" { pulled.split('/').next().unwrap_or(pulled) } else { pulled };
            assert_eq!(run(skopeo.arg(asked)).output().trim_end(), "octo", "{name} {format}");
        }
    }
}

/// Every spelling of a registry finds its login (D-5).
#[tokio::test]
async fn every_name_of_a_registry_leads_to_its_login() {
    let account = Account::new().await;
    account.create(registry_with("hub", hub("registry.hub.docker.com"))).await;
    account.create(registry_with("org", login("ghcr.io/Acme-Org"))).await;
    account.create(registry_with("api", login("https://registry.example.com/v2/"))).await;
    for (image, name) in [
        ("nginx", "hub"),
        ("docker.io/nginx", "hub"),
        ("docker.io/library/nginx:1", "hub"),
        ("index.docker.io/library/nginx", "hub"),
        ("registry-1.docker.io/acme/app", "hub"),
        ("registry.hub.docker.com/library/nginx", "hub"),
        ("registry.hub.docker.com/acme/app:1", "hub"),
        ("ghcr.io/acme-org/app:1", "org"),
        ("registry.example.com/team/app", "api"),
    ] {
        let answer = account.workload.post("resolve-image", json!({ "image": image })).await.expect(200);
        assert_eq!(answer["credential"]["name"], name, "{image}");
    }
}

/// Amazon's other registry hosts follow the rules of ECR (S4-05).
#[tokio::test]
async fn amazon_s_other_hosts_are_its_own() {
    let account = Account::new().await;
    for (number, server) in [
        "public.ecr.aws",
        "123456789012.dkr-ecr.us-east-1.on.aws",
        "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn",
        "123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov",
    ]
    .into_iter()
    .enumerate()
    {
        let data = json!({ "provider": "ecr", "server": server, "username": "AWS", "password": "eyJw" });
        let made = account.create(registry_with(&format!("ecr-{number}"), data)).await;
        assert_eq!((&made["data"]["server"], &made["attributes"]["provider"]), (&json!(server), &json!("ecr")));
        let image = format!("{server}/team/app:1");
        let answer = account.workload.post("resolve-image", json!({ "image": image })).await.expect(200);
        assert_eq!(answer["credential"]["name"], format!("ecr-{number}"));
        // Found without being told, too.
        let data = json!({ "server": server, "username": "aws", "password": "eyJw" });
        let refused = account.manager.post("credentials/validate", registry_with("x", data)).await;
        assert_eq!(refused.violations(), [("/data/username", "ecr-username")], "{server}");
    }
}
