//! Every way in for a secret: each route that takes or hands one out, requests
//! that are refused, and the command line.

use std::fs;
use std::path::Path;
use std::process::Output;

use reqwest::Method;
use serde_json::{Value, json};

use super::canary::Canaries;
use super::cli;
use crate::support::{Client, Reply, Server};

/// `operator` records what it is answered; what is meant to hold a secret is
/// asked for by another client.
pub(super) async fn every_route(server: &Server, operator: &Client, canaries: &Canaries) {
    let name = canaries.name("the name of a credential");
    lifecycle(server, operator, canaries, &name).await;
    certificate(operator, canaries).await;
    refused_input(operator, canaries, &name).await;
    malformed(operator, canaries).await;
    strangers(server, operator, canaries).await;
    tokens(server, operator, canaries).await;
}

async fn lifecycle(server: &Server, operator: &Client, canaries: &Canaries, name: &str) {
    let title = canaries.name("the title of a credential");
    let description = canaries.name("the description of a credential");
    let username = canaries.name("a user name");
    let label = canaries.name("a label");
    let password = canaries.secret("the password of a new credential");
    let body = json!({
        "type": "basic-auth", "name": name, "title": title, "description": description, "labels": { "team": label },
        "data": { "username": username, "password": password },
    });
    operator.post("credentials/validate", body.clone()).await.assert_status(204);
    let made = operator.post("credentials", body).await.expect(201);
    let path = format!("credentials/{}", made["id"].as_str().expect("an id"));
    let registry = json!({
        "server": "ghcr.io", "username": "octo", "password": canaries.secret("the password of a registry"),
    });
    operator
        .post("credentials", json!({ "type": "container-registry", "name": "ghcr", "data": registry }))
        .await
        .expect(201);
    let rotated = canaries.secret("a rotated password");
    operator.patch(&path, json!({ "data": { "password": rotated } })).await.expect(200);
    for read in [&*path, &format!("{path}/versions"), "credentials", &format!("credentials?q={name}"), "audit"] {
        operator.get(read).await.expect(200);
    }
    // These answers are for those who asked for the secret.
    let entitled = server.operator();
    assert_eq!(entitled.post(&format!("{path}/reveal"), json!({})).await.expect(200)["data"]["password"], rotated);
    for format in ["nginx/htpasswd", "kubernetes.io/basic-auth", "login", "env"] {
        entitled.post(&format!("{path}/materialize"), json!({ "format": format })).await.expect(200);
    }
    for format in ["kubernetes.io/dockerconfigjson", "docker/config.json", "containers/auth.json", "login", "env"] {
        entitled.post("credentials/ghcr/materialize", json!({ "format": format })).await.expect(200);
    }
    operator.act("credentials/ghcr/set-default").await.expect(200);
    uses(operator, &entitled, canaries).await;
    operator.act(&format!("{path}/versions/1/restore")).await.expect(200);
    operator.delete(&path).await.assert_status(204);
    operator.act(&format!("{path}/restore")).await.expect(200);
    operator.post("credentials/ghcr/probe", json!({})).await.assert_status(422);
    operator.delete("credentials/ghcr?purge=true").await.assert_status(204);
}

/// Who uses the registry, told by those who may not see its secret.
async fn uses(operator: &Client, entitled: &Client, canaries: &Canaries) {
    let consumer = format!("app:{}", canaries.name("a consumer"));
    let place = format!("bindings/{consumer}/image-pull");
    operator.put(&place, json!({ "credential": "ghcr" })).await.expect(200);
    let ask = |format: Option<&str>| json!({ "consumer": consumer, "slot": "image-pull", "format": format });
    entitled.post("resolve", ask(Some("login"))).await.expect(200);
    entitled.post("resolve-image", json!({ "image": "ghcr.io/org/app", "format": "env" })).await.expect(200);
    operator.post("resolve", ask(None)).await.expect(200);
    operator.post("resolve", ask(Some("no-such"))).await.assert_status(422);
    operator.post("resolve-image", json!({ "image": "ghcr.io/org/app" })).await.expect(200);
    for read in [&*place, "bindings", "credentials/ghcr/usage", "certificates?host=example.com"] {
        operator.get(read).await.expect(200);
    }
    operator.delete("credentials/ghcr").await.assert_status(409);
    operator.delete(&place).await.assert_status(204);
}

async fn certificate(operator: &Client, canaries: &Canaries) {
    let made = rcgen::generate_simple_self_signed(["leaks.example.com".to_owned()]).expect("a certificate");
    let key = made.signing_key.serialize_pem();
    for line in key.lines().filter(|line| line.len() > 40 && !line.starts_with('-')) {
        canaries.adopt("a line of a private key", line);
    }
    let data = json!({ "certificate": made.cert.pem(), "privateKey": key });
    operator.post("credentials", json!({ "type": "tls-certificate", "name": "tls", "data": data })).await.expect(201);
    // A key where the certificate belongs, and one that does not fit.
    let other = rcgen::KeyPair::generate().expect("a key").serialize_pem();
    canaries.adopt("a private key in the wrong field", other.lines().nth(1).expect("a line"));
    for data in [
        json!({ "certificate": other, "privateKey": other }),
        json!({ "certificate": made.cert.pem(), "privateKey": other }),
        json!({ "certificate": made.cert.pem(), "privateKey": other.replace("PRIVATE", "STRANGE") }),
        json!({ "certificate": format!("{}{other}", made.cert.pem()), "privateKey": other, "chain": other }),
    ] {
        operator
            .post("credentials", json!({ "type": "tls-certificate", "name": "bad", "data": data }))
            .await
            .assert_status(422);
    }
}

async fn refused_input(operator: &Client, canaries: &Canaries, taken: &str) {
    let secret = |place: &str| canaries.secret(&format!("{place}, refused"));
    let long = format!("{}{}", secret("a long password"), "x".repeat(80));
    let data = [
        json!({ "username": "octo", "password": long }),
        json!({ "username": "octo", "password": { "value": secret("an object for a password") } }),
        json!({ "username": "octo", "password": [secret("a list for a password")] }),
        json!({ "username": "octo", "pasword": secret("a password in a misspelt field") }),
        json!({ "username": { "nested": secret("a secret in a public field of the wrong type") } }),
        json!({ "username": format!("octo:{}", secret("a password after the user name")), "password": "x" }),
        json!(secret("a password for data")),
        json!([secret("a password in a list for data")]),
    ];
    for data in data {
        let body = json!({ "type": "basic-auth", "name": "refused", "data": data });
        operator.post("credentials", body.clone()).await.assert_status(422);
        operator.post("credentials/validate", body).await.assert_status(422);
    }
    let registry = [
        json!({ "server": "gcr.io", "username": "_json_key", "password": format!("{{\"private_key\": \"{}\", ", secret("a JSON key cut short")) }),
        json!({ "server": "docker.io", "email": "a@b.example", "username": "octo", "password": format!("{}{}", secret("a long registry password"), "x".repeat(128)) }),
        json!({ "server": format!("https://octo:{}@registry.example.com", secret("a password in the server")), "username": "octo", "password": "x" }),
    ];
    for data in registry {
        operator
            .post("credentials", json!({ "type": "container-registry", "name": "refused", "data": data }))
            .await
            .assert_status(422);
    }
    let data = json!({ "username": "octo", "password": secret("a password of a taken name") });
    operator.post("credentials", json!({ "type": "basic-auth", "name": taken, "data": data })).await.assert_status(409);
    let data = json!({ "password": secret("a password of no type") });
    operator.post("credentials", json!({ "type": "nothing", "name": "n", "data": data })).await.assert_status(422);
    let beside =
        json!({ "type": "basic-auth", "name": "n", "data": {}, "password": secret("a password beside the data") });
    operator.post("credentials", beside).await.assert_status(422);
    let path = format!("credentials/{taken}");
    let patches = [
        json!({ "data": { "password": format!("{}{}", secret("a long password in a patch"), "x".repeat(80)) } }),
        json!({ "data": { "password": { "value": secret("an object in a patch") } } }),
        json!({ "type": secret("a secret for a type") }),
        json!({ "password": secret("a password beside the data of a patch") }),
    ];
    for patch in patches {
        operator.patch(&path, patch).await.assert_status(422);
    }
    let stale = json!({ "data": { "password": secret("a password in a stale patch") } });
    operator.call(Method::PATCH, &path).header("if-match", "\"1\"").json(&stale).send().await.assert_status(412);
    let fields = json!({ "fields": [format!("/{}", "nothing")] });
    operator.post(&format!("{path}/reveal"), fields).await.assert_status(422);
}

/// Bodies that are no JSON, or too much of it. None of it may be echoed.
async fn malformed(operator: &Client, canaries: &Canaries) {
    let cut = format!("{{\"data\": {{\"password\": \"{}", canaries.secret("a password in JSON cut short"));
    let bare = canaries.secret("a password for a body");
    let doubled = format!("{{\"data\": 1}} {}", canaries.secret("a password after the JSON"));
    let escape = format!("{{\"password\": \"\\q{}\"}}", canaries.secret("a password in a bad escape"));
    for text in [cut, bare, doubled, escape] {
        for (method, path) in
            [(Method::POST, "credentials"), (Method::PATCH, "credentials/tls"), (Method::POST, "tokens")]
        {
            let reply = operator.call(method, path).bytes("application/json", text.clone().into_bytes()).send().await;
            reply.assert_status(400);
        }
    }
    let form = format!("password={}", canaries.secret("a password in a form"));
    let reply =
        operator.call(Method::POST, "credentials").bytes("application/x-www-form-urlencoded", form.into()).send().await;
    reply.assert_status(415);
    let huge = format!("{{\"password\": \"{}{}\"}}", canaries.secret("a password in a huge body"), "x".repeat(3 << 20));
    let reply = operator.call(Method::POST, "credentials").bytes("application/json", huge.into()).send().await;
    reply.assert_status(413);
    let query = canaries.secret("a password in the query").replace(['/', '+', '"'], "");
    operator.get(&format!("credentials?password={query}")).await.assert_status(422);
    let path = canaries.secret("a password in the path").replace(['/', '+', '"'], "");
    refused(&operator.get(&format!("credentials/{path}")).await, 404);
    refused(&operator.get(&format!("/v1/nothing/{path}")).await, 404);
}

/// Bearers of what is no token, and of a token with a typo.
async fn strangers(server: &Server, operator: &Client, canaries: &Canaries) {
    let token = operator.token();
    let mut typo = token.to_owned();
    let last = typo.pop().expect("a token");
    typo.push(if last == 'a' { 'b' } else { 'a' });
    let made_up = canaries.secret("a made-up token").replace(['/', '+', '"'], "");
    let reply = server.with_token(&typo).get("credentials").await;
    canaries.adopt("an operator token with a typo", &typo);
    refused(&reply, 401);
    refused(&server.with_token(&made_up).get("credentials").await, 401);
    let basic = canaries.secret("a basic authorization").replace('"', "");
    let call = server.anonymous().call(Method::GET, "credentials").header("authorization", &format!("Basic {basic}"));
    refused(&call.send().await, 401);
    let cookie = canaries.secret("a cookie").replace('"', "");
    refused(&server.anonymous().call(Method::GET, "credentials").header("cookie", &cookie).send().await, 401);
}

async fn tokens(server: &Server, operator: &Client, canaries: &Canaries) {
    let entitled = server.operator();
    let body = json!({ "name": "ci", "role": "admin" });
    let made =
        entitled.call(Method::POST, "tokens").header("idempotency-key", "once").json(&body).send().await.expect(201);
    let token = made["token"].as_str().expect("the token's text");
    canaries.adopt("a user's token", token);
    // A repeated request is not told the token again.
    let again = operator.call(Method::POST, "tokens").header("idempotency-key", "once").json(&body).send().await;
    assert_eq!(again.expect(201)["token"], Value::Null);
    operator.get("tokens").await.expect(200);
    operator.get("/v1/tokens").await.expect(200);
    server.with_token(token).get("/v1/me").await.expect(200);
    operator.delete(&format!("tokens/{}", made["id"].as_str().expect("an id"))).await.assert_status(204);
    refused(&server.with_token(token).get("/v1/me").await, 401);
}

fn refused(reply: &Reply, status: u16) {
    reply.assert_status(status);
}

/// Runs of the client that take secrets, and what they were called.
pub(super) fn command_line(server: &Server, folder: &Path, canaries: &Canaries) -> Vec<(String, Output)> {
    let file = |name: &str, content: &str| {
        let path = folder.join(name);
        fs::write(&path, content).expect("a temporary file");
        path.display().to_string()
    };
    let secret = file("secret", &canaries.secret("a secret file"));
    let data = json!({ "username": "octo", "password": canaries.secret("a data file") });
    let data = file("data.json", &data.to_string());
    let broken = file("broken.json", &format!("{{\"password\": \"{}", canaries.secret("a broken data file")));
    let unknown =
        json!({ "username": "octo", "password": "x", "extra": canaries.secret("an unknown field of a data file") });
    let unknown = file("unknown.json", &unknown.to_string());
    let secret_argument = format!("/password={secret}");
    let set = canaries.secret("a secret by --set");
    let set = format!("password={set}");
    let commands: Vec<(Vec<&str>, i32)> = vec![
        (
            vec![
                "credential",
                "create",
                "--type",
                "basic-auth",
                "cli-1",
                "--set",
                "username=octo",
                "--secret-file",
                &secret_argument,
            ],
            0,
        ),
        (vec!["credential", "create", "--type", "basic-auth", "cli-2", "--data-file", &data], 0),
        (vec!["credential", "create", "--type", "basic-auth", "cli-3", "--data-file", &broken], 2),
        (vec!["credential", "create", "--type", "basic-auth", "cli-4", "--data-file", &unknown], 1),
        (vec!["credential", "create", "--type", "basic-auth", "cli-5", "--set", "username=octo", "--set", &set], 2),
        (vec!["credential", "update", "cli-1", "--data-file", &data], 0),
        (vec!["credential", "update", "cli-1", "--set", &set], 2),
        (vec!["credential", "validate", "--type", "basic-auth", "--data-file", &data], 0),
        (vec!["credential", "show", "cli-1", "--output", "json"], 0),
        (vec!["credential", "list", "--output", "yaml"], 0),
        (vec!["audit", "export"], 0),
        (vec!["audit", "verify"], 0),
    ];
    let run = |(arguments, code): (Vec<&str>, i32)| {
        let output = cli(server, folder, &arguments);
        let shown = arguments[..2].join(" ");
        assert_eq!(output.status.code(), Some(code), "{shown}: {}", String::from_utf8_lossy(&output.stderr));
        (shown, output)
    };
    commands.into_iter().map(run).collect()
}
