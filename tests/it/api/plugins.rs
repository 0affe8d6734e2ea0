use serde_json::json;

use crate::support::Server;

#[tokio::test]
async fn the_operator_sees_every_plugin_and_how_it_fares() {
    let operator = Server::shared().await.operator();
    let plugins = operator.all("/v1/plugins").await;
    for id in ["basic-auth", "container-registry", "tls-certificate"] {
        let plugin =
            plugins.iter().find(|one| one["id"] == id).unwrap_or_else(|| panic!("{id} is not loaded: {plugins:?}"));
        assert_eq!((&plugin["state"], &plugin["kind"]), (&json!("active"), &json!("credential-type")), "{plugin}");
        assert_eq!((&plugin["reason"], &plugin["source"]), (&json!(null), &json!("built-in")));
        assert!(plugin["contractVersion"].as_str().is_some_and(|version| version.starts_with("0.1")), "{plugin}");
        assert!(plugin["digest"].as_str().is_some_and(|digest| digest.starts_with("sha256:")));
        assert_eq!(operator.get(&format!("/v1/plugins/{id}")).await.expect(200), *plugin);
    }
    operator.get("/v1/plugins/no-such").await.expect(404);
}

/// A bad file is told of and harms nothing.
#[tokio::test]
async fn a_bad_file_is_rejected_with_its_reason() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("junk.wasm"), b"not a component").expect("a file");
    let server = Server::builder().plugins(folder.path()).start().await;
    let plugin = server.operator().get("/v1/plugins/junk").await.expect(200);
    assert_eq!(plugin["state"], "rejected");
    assert!(plugin["reason"].as_str().is_some_and(|reason| !reason.is_empty()));
    let types = server.operator().all("/v1/credential-types").await;
    assert!(types.len() >= 3 && types.iter().all(|one| one["id"] != "junk"));
}
