use serde_json::json;

use crate::support::account::unique;
use crate::support::{Account, Server};

/// The type selects the schema of the fields (S2-22).
#[tokio::test]
async fn each_type_brings_its_form() {
    let account = Account::new().await;
    let types = account.member.all("/v1/credential-types").await;
    for id in ["basic-auth", "container-registry", "tls-certificate"] {
        let of = types.iter().find(|one| one["id"] == id).unwrap_or_else(|| panic!("no {id}"));
        assert_eq!(account.workload.get(&format!("/v1/credential-types/{id}")).await.expect(200), *of);
        for member in ["title", "summary", "category", "version", "digest"] {
            assert!(of[member].as_str().is_some_and(|text| !text.is_empty()), "{id}: {member}");
        }
        assert!(jsonschema::meta::is_valid(&of["schema"]), "{id}: its schema is one");
        assert_eq!(of["schema"]["$schema"], "https://json-schema.org/draft/2020-12/schema");
        let fields = of["schema"]["properties"].as_object().expect("fields");
        for (name, field) in fields {
            assert!(field["title"].is_string() && field["description"].is_string(), "{id}: {name} explains itself");
        }
        assert!(fields.values().any(|field| field["writeOnly"] == true), "{id} has a secret");
        assert!(
            of["formats"]
                .as_array()
                .is_some_and(|formats| formats.iter().all(|one| one["id"].is_string() && one["title"].is_string()))
        );
    }
    account.member.get("/v1/credential-types/no-such").await.expect(404);
}

#[tokio::test]
async fn formats_come_in_the_contract_s_order() {
    let client = Server::shared().await.operator();
    for (id, expected) in [
        (
            "container-registry",
            vec!["kubernetes.io/dockerconfigjson", "docker/config.json", "containers/auth.json", "login", "env"],
        ),
        ("basic-auth", vec!["nginx/htpasswd", "kubernetes.io/basic-auth", "login", "env"]),
        ("tls-certificate", vec!["kubernetes.io/tls", "pem", "nginx", "haproxy"]),
    ] {
        let of = client.get(&format!("/v1/credential-types/{id}")).await.expect(200);
        let formats: Vec<_> =
            of["formats"].as_array().expect("formats").iter().map(|one| one["id"].as_str().expect("an id")).collect();
        assert_eq!(formats, expected);
    }
}

/// S3-07: every provider, each with the words of how to get a credential there.
#[tokio::test]
async fn registries_have_a_variant_for_each_provider() {
    let client = Server::shared().await.operator();
    let of = client.get("/v1/credential-types/container-registry").await.expect(200);
    let variants: Vec<_> =
        of["variants"].as_array().expect("variants").iter().map(|one| one["id"].as_str().expect("an id")).collect();
    for provider in [
        "dockerHub",
        "gcr",
        "ecr",
        "github",
        "gitlab",
        "digitalOcean",
        "acr",
        "harbor",
        "artifactory",
        "quay",
        "custom",
    ] {
        assert!(variants.contains(&provider), "{provider} is missing in {variants:?}");
        let how_to = &of["variants"]
            .as_array()
            .expect("variants")
            .iter()
            .find(|one| one["id"] == provider)
            .expect("it")["howTo"];
        assert!(how_to.as_str().is_some_and(|text| text.len() > 20), "{provider}: {how_to}");
    }
}

/// S0-33: a template is ready to edit; what is wrong with it are its
/// placeholders, never its shape.
#[tokio::test]
async fn a_template_for_each_variant() {
    let account = Account::new().await;
    for of in account.manager.all("/v1/credential-types").await {
        let id = of["id"].as_str().expect("an id");
        let variants = of["variants"].as_array().cloned().unwrap_or_default();
        let mut asked = vec![String::new()];
        asked.extend(variants.iter().map(|one| format!("?variant={}", one["id"].as_str().expect("an id"))));
        for query in asked {
            let template = account.manager.get(&format!("/v1/credential-types/{id}/template{query}")).await.expect(200);
            assert!(template["data"].as_object().is_some_and(|data| !data.is_empty()), "{template}");
            let body = json!({ "type": id, "name": unique("t"), "data": template["data"] });
            let reply = account.manager.post("credentials/validate", body).await;
            if reply.status != 204 {
                let shape: Vec<_> = reply
                    .violations()
                    .into_iter()
                    .filter(|(_, code)| ["unknown", "type", "required"].contains(code))
                    .collect();
                assert_eq!(shape, [], "{id}{query}: {}", reply.body);
            }
        }
        let reply = account.manager.get(&format!("/v1/credential-types/{id}/template?variant=no-such")).await;
        assert_eq!(reply.pointers(), ["?variant"]);
    }
    account.manager.get("/v1/credential-types/no-such/template").await.expect(404);
}
