//! Who may do what: every operation × every role × own and foreign account.

use std::collections::BTreeSet;
use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::account::unique;
use crate::support::openapi::Description;
use crate::support::samples::{basic, registry};
use crate::support::{Account, Client, Reply, Server};

/// One operation. `own` is the status for operator, admin, credentials manager,
/// member, auditor, workload and nobody in the account; `foreign` is what every
/// role but the operator gets in an account that is not theirs. What is in no
/// account is the same for all.
struct Row(&'static str, &'static str, Body, [u16; 7], u16);

/// What to send.
#[derive(Clone, Copy)]
enum Body {
    None,
    Empty,
    Account,
    Title,
    Role,
    Token,
    OperatorToken,
    Credential,
    Record,
    Binding,
    Resolve,
    Image,
    Region,
}

use Body as B;

/// Everybody with a token / account readers / admins / writers of credentials.
const OPEN: [u16; 7] = [200, 200, 200, 200, 200, 200, 200];
const ANY: [u16; 7] = [200, 200, 200, 200, 200, 200, 401];
const READERS: [u16; 7] = [200, 200, 200, 200, 200, 403, 401];
const OPERATOR: [u16; 7] = [200, 403, 403, 403, 403, 403, 401];
const ADMINS: [u16; 7] = [200, 200, 403, 403, 403, 403, 401];
const WRITERS: [u16; 7] = [200, 200, 200, 403, 403, 403, 401];
/// Those who may use a credential, one of a type that cannot be used this way.
const USERS_IN_VAIN: [u16; 7] = [422, 422, 422, 403, 403, 422, 401];
/// Those who may use a credential / who may choose one for others.
const USERS: [u16; 7] = [200, 200, 200, 403, 403, 200, 401];
const PICKERS: [u16; 7] = [200, 200, 200, 200, 403, 403, 401];
/// Nothing for all with a token.
const NOTHING: [u16; 7] = [404, 404, 404, 404, 404, 404, 401];

const TABLE: &[Row] = &[
    Row("GET", "/healthz", B::None, OPEN, 200),
    Row("GET", "/readyz", B::None, OPEN, 200),
    Row("GET", "/openapi.json", B::None, OPEN, 200),
    Row("GET", "/docs", B::None, OPEN, 200),
    Row("GET", "/docs/style.css", B::None, OPEN, 200),
    Row("GET", "/problems", B::None, OPEN, 200),
    Row("GET", "/problems/{slug}", B::None, OPEN, 200),
    Row("GET", "/metrics", B::None, ANY, 200),
    Row("GET", "/v1/me", B::None, ANY, 200),
    Row("GET", "/v1/credential-types", B::None, ANY, 200),
    Row("GET", "/v1/credential-types/{type}", B::None, ANY, 200),
    Row("GET", "/v1/credential-types/{type}/template", B::None, ANY, 200),
    Row("GET", "/v1/dns-providers", B::None, ANY, 200),
    Row("GET", "/v1/dns-providers/{provider}", B::None, NOTHING, 404),
    Row("GET", "/v1/dns-providers/{provider}/template", B::None, NOTHING, 404),
    Row("GET", "/v1/plugins", B::None, OPERATOR, 403),
    Row("GET", "/v1/plugins/{plugin}", B::None, OPERATOR, 403),
    // A built-in one is decided upon already: who may decide is told so.
    Row("POST", "/v1/plugins/{plugin}/approve", B::Empty, [409, 403, 403, 403, 403, 403, 401], 403),
    Row("POST", "/v1/plugins/{plugin}/revoke", B::None, [409, 403, 403, 403, 403, 403, 401], 403),
    Row("POST", "/v1/plugins/{plugin}/rollback", B::Empty, [409, 403, 403, 403, 403, 403, 401], 403),
    Row("GET", "/v1/tokens", B::None, OPERATOR, 403),
    Row("POST", "/v1/tokens", B::OperatorToken, [201, 403, 403, 403, 403, 403, 401], 403),
    Row("DELETE", "/v1/tokens/{operator-token}", B::None, [204, 403, 403, 403, 403, 403, 401], 403),
    Row("GET", "/v1/region-targets", B::None, ANY, 200),
    Row("GET", "/v1/regions", B::None, READERS, 200),
    Row("POST", "/v1/regions", B::Region, [201, 403, 403, 403, 403, 403, 401], 403),
    Row("GET", "/v1/regions/{region}", B::None, READERS, 200),
    Row("PATCH", "/v1/regions/{region}", B::Title, OPERATOR, 403),
    Row("DELETE", "/v1/regions/{free-region}", B::None, [204, 403, 403, 403, 403, 403, 401], 403),
    Row("POST", "/v1/regions/{free-region}/pause", B::None, OPERATOR, 403),
    Row("POST", "/v1/regions/{free-region}/resume", B::None, OPERATOR, 403),
    Row("POST", "/v1/regions/{free-region}/drain", B::None, OPERATOR, 403),
    Row("POST", "/v1/regions/{free-region}/check", B::None, OPERATOR, 403),
    Row("GET", "/v1/audit", B::None, OPERATOR, 403),
    Row("GET", "/v1/audit/checkpoint", B::None, OPERATOR, 403),
    Row("POST", "/v1/audit/verify", B::None, OPERATOR, 403),
    Row("POST", "/v1/backup", B::None, OPERATOR, 403),
    Row("POST", "/v1/rekey", B::None, OPERATOR, 403),
    Row("GET", "/v1/accounts", B::None, ANY, 200),
    Row("POST", "/v1/accounts", B::Account, [201, 403, 403, 403, 403, 403, 401], 403),
    Row("GET", "/v1/accounts/{account}", B::None, READERS, 404),
    Row("PATCH", "/v1/accounts/{account}", B::Title, ADMINS, 404),
    // The account holds credentials, so even the operator cannot.
    Row("DELETE", "/v1/accounts/{account}", B::None, [409, 403, 403, 403, 403, 403, 401], 403),
    Row("GET", "/v1/accounts/{account}/members", B::None, ADMINS, 404),
    Row("PUT", "/v1/accounts/{account}/members/{principal}", B::Role, ADMINS, 404),
    Row("DELETE", "/v1/accounts/{account}/members/{principal}", B::None, [204, 204, 403, 403, 403, 403, 401], 404),
    Row("GET", "/v1/accounts/{account}/tokens", B::None, ADMINS, 404),
    Row("POST", "/v1/accounts/{account}/tokens", B::Token, [201, 201, 403, 403, 403, 403, 401], 404),
    Row("DELETE", "/v1/accounts/{account}/tokens/{token}", B::None, [204, 204, 403, 403, 403, 403, 401], 404),
    Row("GET", "/v1/accounts/{account}/audit", B::None, [200, 200, 200, 403, 200, 403, 401], 404),
    Row("GET", "/v1/accounts/{account}/credentials", B::None, READERS, 404),
    Row("POST", "/v1/accounts/{account}/credentials", B::Credential, [201, 201, 201, 403, 403, 403, 401], 404),
    Row("POST", "/v1/accounts/{account}/credentials/validate", B::Credential, [204, 204, 204, 403, 403, 403, 401], 404),
    Row("GET", "/v1/accounts/{account}/credentials/validate-name", B::None, [204, 204, 204, 403, 403, 403, 401], 404),
    Row("GET", "/v1/accounts/{account}/credentials/{credential}", B::None, READERS, 404),
    Row("PATCH", "/v1/accounts/{account}/credentials/{credential}", B::Title, WRITERS, 404),
    Row("DELETE", "/v1/accounts/{account}/credentials/{credential}", B::None, [204, 204, 204, 403, 403, 403, 401], 404),
    Row("POST", "/v1/accounts/{account}/credentials/{credential}/reveal", B::Empty, WRITERS, 404),
    Row("POST", "/v1/accounts/{account}/credentials/{credential}/materialize", B::Empty, USERS, 404),
    Row("GET", "/v1/accounts/{account}/credentials/{credential}/usage", B::None, WRITERS, 404),
    Row("GET", "/v1/accounts/{account}/bindings", B::None, READERS, 404),
    Row("GET", "/v1/accounts/{account}/bindings/{consumer}/{slot}", B::None, READERS, 404),
    Row("PUT", "/v1/accounts/{account}/bindings/{consumer}/{slot}", B::Binding, PICKERS, 404),
    Row(
        "DELETE",
        "/v1/accounts/{account}/bindings/{consumer}/{slot}",
        B::None,
        [204, 204, 204, 204, 403, 403, 401],
        404,
    ),
    Row("POST", "/v1/accounts/{account}/resolve", B::Resolve, USERS, 404),
    Row("POST", "/v1/accounts/{account}/resolve-image", B::Image, USERS, 404),
    Row("GET", "/v1/accounts/{account}/certificates", B::None, READERS, 404),
    Row("GET", "/v1/accounts/{account}/regions", B::None, READERS, 404),
    Row("GET", "/v1/accounts/{account}/regions/{region}", B::None, READERS, 404),
    Row("PUT", "/v1/accounts/{account}/regions/{region}", B::Empty, WRITERS, 404),
    Row("DELETE", "/v1/accounts/{account}/regions/{empty-region}", B::None, [204, 204, 204, 403, 403, 403, 401], 404),
    Row("GET", "/v1/accounts/{account}/regions/{region}/plan", B::None, WRITERS, 404),
    Row("POST", "/v1/accounts/{account}/regions/{region}/ensure", B::None, WRITERS, 404),
    Row("POST", "/v1/accounts/{account}/regions/{region}/sync", B::None, WRITERS, 404),
    Row("POST", "/v1/accounts/{account}/sync", B::None, WRITERS, 404),
    Row("POST", "/v1/accounts/{account}/credentials/{credential}/sync", B::None, WRITERS, 404),
    Row("GET", "/v1/accounts/{account}/events", B::None, READERS, 404),
    Row("POST", "/v1/accounts/{account}/credentials/{credential}/set-default", B::None, WRITERS, 404),
    Row("POST", "/v1/accounts/{account}/credentials/{deleted}/restore", B::None, WRITERS, 404),
    Row("POST", "/v1/accounts/{account}/credentials/{credential}/probe", B::None, USERS_IN_VAIN, 404),
    Row("GET", "/v1/accounts/{account}/credentials/{credential}/dns", B::None, WRITERS, 404),
    Row("POST", "/v1/accounts/{account}/credentials/{credential}/dns/present", B::Record, USERS_IN_VAIN, 404),
    Row("POST", "/v1/accounts/{account}/credentials/{credential}/dns/cleanup", B::Record, USERS_IN_VAIN, 404),
    Row("GET", "/v1/accounts/{account}/credentials/{credential}/versions", B::None, WRITERS, 404),
    Row("POST", "/v1/accounts/{account}/credentials/{credential}/versions/{version}/restore", B::None, WRITERS, 404),
];

/// Each role may do its part, and nobody anything in another account (S0-03, S0-07, S4-27).
#[tokio::test]
async fn every_operation_for_every_role() {
    // Of its own: it rotates the root key and counts refused tokens.
    let server = Server::builder().start().await;
    let (own, other) = (Account::on(&server).await, Account::on(&server).await);
    own.create(basic("kept")).await;
    own.create(registry("ghcr")).await;
    let mut wrong = Vec::new();
    for row in TABLE {
        let Row(method, path, _, expected, foreign) = row;
        let nobody = server.anonymous();
        let roles = [&own.operator, &own.admin, &own.manager, &own.member, &own.auditor, &own.workload, &nobody];
        for ((client, name), status) in roles.into_iter().zip(NAMES).zip(expected) {
            let got = try_it(row, &own, client, name).await.status;
            if got != *status {
                wrong.push(format!("{method} {path} as {name}: {got}, not {status}"));
            }
        }
        let strangers = [&other.admin, &other.manager, &other.member, &other.auditor, &other.workload];
        for ((client, name), own_status) in strangers.into_iter().zip(&NAMES[1..]).zip(&expected[1..]) {
            let status = if path.contains("{account}") { foreign } else { own_status };
            let got = try_it(row, &own, client, name).await.status;
            if got != *status {
                wrong.push(format!("{method} {path} as {name} of another account: {got}, not {status}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Nothing of another account's can be named through one's own either (S0-03, S3-01).
#[tokio::test]
async fn a_foreign_id_is_nothing_in_one_s_own_account() {
    let server = Server::shared().await;
    let (own, other) = (Account::on(&server).await, Account::on(&server).await);
    let foreign = other.create(registry("theirs")).await;
    let foreign = foreign["id"].as_str().expect("an id");
    for Row(method, path, body, ..) in
        TABLE.iter().filter(|row| row.1.contains("{credential}") || row.1.contains("{deleted}"))
    {
        let filled =
            path.replace("{account}", &own.name).replace("{credential}", foreign).replace("{deleted}", foreign);
        for client in [&own.operator, &own.admin] {
            send(client, method, &filled.replace("{version}", "1"), *body).await.expect(404);
        }
    }
    let token = other.operator.all("tokens").await[0]["id"].clone();
    own.admin.delete(&format!("tokens/{}", token.as_str().expect("an id"))).await.expect(404);
    assert_eq!(other.manager.get("credentials/theirs").await.expect(200)["id"], foreign);
}

#[tokio::test]
async fn what_is_not_there_and_what_is_not_yours_look_alike() {
    let server = Server::shared().await;
    let (own, other) = (Account::on(&server).await, Account::on(&server).await);
    let shape = |mut reply: Reply| {
        reply.body["requestId"] = Value::Null;
        (reply.status, reply.body)
    };
    let theirs = shape(own.admin.get(&format!("/v1/accounts/{}", other.name)).await);
    let nobodys = shape(own.admin.get("/v1/accounts/no-such-account").await);
    assert_eq!(theirs, nobodys);
}

#[tokio::test]
async fn the_table_has_every_described_operation() {
    let description = Description::of(&Server::shared().await.anonymous()).await;
    // Parameters may have other names there; the shape counts.
    let shape = |path: &str| {
        let segments = path.split('/').map(|segment| if segment.starts_with('{') { "{}" } else { segment });
        segments.collect::<Vec<_>>().join("/")
    };
    let table: BTreeSet<_> = TABLE.iter().map(|row| (row.0.to_owned(), shape(row.1))).collect();
    let described: BTreeSet<_> =
        description.operations().into_iter().map(|(method, path)| (method, shape(&path))).collect();
    let missing: Vec<_> = described.difference(&table).collect();
    assert!(missing.is_empty(), "not in the table: {missing:?}");
    let undescribed: Vec<_> = table.difference(&described).filter(|row| row.1.starts_with("/v1")).collect();
    assert!(undescribed.is_empty(), "not described: {undescribed:?}");
}

/// Tries one operation on things made for this one try.
async fn try_it(row: &Row, account: &Account, client: &Client, name: &str) -> Reply {
    let Row(method, template, body, ..) = row;
    let mut path = template.replace("{account}", &account.name);
    path = path.replace("{slug}", "not-found").replace("{type}", "basic-auth");
    path = path.replace("{provider}", "no-such");
    path = path.replace("{plugin}", "basic-auth").replace("{version}", "1");
    let id = |value: &Value| value["id"].as_str().expect("an id").to_owned();
    if path.contains("{credential}") || path.contains("{deleted}") {
        let made = id(&account.create(registry(&unique("c"))).await);
        if path.contains("{deleted}") {
            account.manager.delete(&format!("credentials/{made}")).await.expect(204);
        }
        path = path.replace("{credential}", &made).replace("{deleted}", &made);
    }
    if path.contains("{token}") {
        let made = account.admin.post("tokens", json!({ "name": "x", "role": "member" })).await.expect(201);
        path = path.replace("{token}", &id(&made));
    }
    if path.contains("{operator-token}") {
        let made = account.operator.post("/v1/tokens", json!({ "name": "x" })).await.expect(201);
        path = path.replace("{operator-token}", &id(&made));
    }
    if path.contains("{principal}") {
        let name = unique("alice");
        account.admin.put(&format!("members/{name}"), json!({ "role": "member" })).await.expect(200);
        path = path.replace("{principal}", &name);
    }
    if path.contains("{consumer}") {
        let consumer = unique("app:x");
        let body = json!({ "credential": "ghcr" });
        account.manager.put(&format!("bindings/{consumer}/image-pull"), body).await.expect(200);
        path = path.replace("{consumer}", &consumer).replace("{slot}", "image-pull");
    }
    if path.contains("region}") {
        path = with_region(&path, account).await;
    }
    if path.ends_with("/events") {
        let token = (name != "nobody").then(|| client.token());
        return head(token, account, &path).await;
    }
    if path.ends_with("certificates") {
        path.push_str("?host=www.example.com");
    }
    if path.ends_with("validate-name") {
        path.push_str("?name=free");
    }
    send(client, method, &path, *body).await
}

/// `{region}` is one that the account uses, the same for all; `{empty-region}` one
/// of this try that is used and empty, `{free-region}` one that nobody uses.
async fn with_region(path: &str, account: &Account) -> String {
    let name = if path.contains("{region}") { format!("r-{}", account.name) } else { unique("r") };
    let folder = account.server.data_dir().join(&name);
    let made = account.operator.post("/v1/regions", region(&name, &folder)).await.status;
    assert!(made == 201 || made == 409, "{made}");
    let types = json!({ "basic-auth": [], "container-registry": [] });
    if path.contains("{empty-region}") {
        account.operator.put(&format!("regions/{name}"), json!({ "formats": types })).await.expect(200);
    } else if path.contains("{region}") {
        account.operator.put(&format!("regions/{name}"), json!({})).await.expect(200);
    }
    ["{region}", "{empty-region}", "{free-region}"].iter().fold(path.to_owned(), |path, one| path.replace(one, &name))
}

fn region(name: &str, folder: &Path) -> Value {
    json!({ "name": name, "target": "directory", "settings": { "path": folder } })
}

/// What comes before a body that may have no end.
async fn head(token: Option<&str>, account: &Account, path: &str) -> Reply {
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().expect("an HTTP client");
    let mut request = http.get(format!("{}{path}", account.server.base()));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let response = request.send().await.expect("an answer");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Reply { method: "GET".to_owned(), path: path.to_owned(), status, headers, bytes: Vec::new(), body: Value::Null }
}

async fn send(client: &Client, method: &str, path: &str, body: Body) -> Reply {
    let call = client.call(Method::from_bytes(method.as_bytes()).expect("a method"), path);
    let body = match body {
        Body::None => return call.send().await,
        Body::Empty => json!({}),
        Body::Account | Body::OperatorToken => json!({ "name": unique("x") }),
        Body::Title => json!({ "title": unique("title") }),
        Body::Role => json!({ "role": "member" }),
        Body::Token => json!({ "name": unique("x"), "role": "member" }),
        Body::Credential => basic(&unique("c")),
        Body::Binding => json!({ "credential": "ghcr" }),
        Body::Resolve => json!({ "consumer": "app:web", "slot": "image-pull" }),
        Body::Image => json!({ "image": "ghcr.io/org/app:1" }),
        // Nobody uses it, so it is never there.
        Body::Region => region(&unique("r"), Path::new("/srv/of-a-test")),
        Body::Record => json!({ "fqdn": "_acme-challenge.example.com", "value": "v" }),
    };
    call.json(&body).send().await
}

const NAMES: [&str; 7] = ["operator", "admin", "credentials-manager", "member", "auditor", "workload", "nobody"];
