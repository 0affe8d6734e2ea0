use serde_json::json;

use super::lab::{Cluster, Given, data_of};

/// Each in its own type, as kubectl sees it; what is not a type of Kubernetes' is `Opaque`.
#[tokio::test]
async fn the_first_format_is_the_type() {
    let cluster = Cluster::new().await;
    let target = cluster.target(json!({})).await;
    let login = r#"{"auths":{"ghcr.io":{"username":"octo","password":"s3cret-token"}}}"#;
    for (format, artifacts, kind) in [
        ("kubernetes.io/dockerconfigjson", vec![(".dockerconfigjson", login)], "kubernetes.io/dockerconfigjson"),
        (
            "kubernetes.io/tls",
            vec![("tls.crt", "-----BEGIN CERTIFICATE-----"), ("tls.key", "-----BEGIN PRIVATE KEY-----")],
            "kubernetes.io/tls",
        ),
        ("kubernetes.io/basic-auth", vec![("username", "octo"), ("password", "s3cret")], "kubernetes.io/basic-auth"),
        ("nginx/htpasswd", vec![("auth", "octo:$2y$10$abc")], "Opaque"),
    ] {
        let given = Given::new(format, &artifacts);
        given.put(&target).await.unwrap();
        let place = given.place(&target);
        let (namespace, name) = place.split_once('/').unwrap();
        let path = "jsonpath={.type}";
        assert_eq!(cluster.kubectl(&["get", "secret", name, "-n", namespace, "-o", path]).trim(), kind);
        let expected: serde_json::Map<_, _> =
            artifacts.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
        assert_eq!(data_of(&cluster.secret(&place).await.unwrap()), json!(expected));
    }
}

#[tokio::test]
async fn several_formats_make_one_secret() {
    let cluster = Cluster::new().await;
    let target = cluster.target(json!({})).await;
    let mut given =
        Given::new("kubernetes.io/basic-auth", &[("username", "octo"), ("password", "s3cret"), ("auth", "octo:$2y$")]);
    given.formats.push("nginx/htpasswd");
    given.put(&target).await.unwrap();
    let secret = cluster.secret(&given.place(&target)).await.unwrap();
    assert_eq!(secret["type"], "kubernetes.io/basic-auth");
    assert_eq!(secret["metadata"]["annotations"]["bursar.dev/formats"], "kubernetes.io/basic-auth,nginx/htpasswd");
    assert_eq!(secret["metadata"]["annotations"]["bursar.dev/keys"], "auth,password,username");
}

/// Kubernetes never changes a type: ours is made anew.
#[tokio::test]
async fn another_type_is_another_secret() {
    let cluster = Cluster::new().await;
    let target = cluster.target(json!({})).await;
    let first = Given::new("kubernetes.io/basic-auth", &[("username", "octo"), ("password", "s3cret")]);
    let before = first.put(&target).await.unwrap();
    let second = first.next("env", &[(".env", "PASSWORD=s3cret")]);
    let after = second.put(&target).await.unwrap();
    assert_ne!(before["uid"], after["uid"]);
    let secret = cluster.secret(&second.place(&target)).await.unwrap();
    assert_eq!((&secret["type"], data_of(&secret)), (&json!("Opaque"), json!({ ".env": "PASSWORD=s3cret" })));
    let third = second.next("env", &[("other", "x")]);
    assert_eq!(third.put(&target).await.unwrap()["uid"], after["uid"]);
    assert_eq!(third.look(&target).await, json!({ "other": "x" }));
}
