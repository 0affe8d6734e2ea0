//! What a plugin wrote goes where everything may go that it saw when it did.

use bursar_kernel::audit::Outcome;
use bursar_kernel::plugin::{Taint, Taints};
use serde_json::{Value, json};

use super::lab::{ACCESS_TOKEN, Lab, PASSWORD, TOKEN};

const ECHO: &str = "https://api.example.com/echo";

fn taint(place: &str, sources: &[&str], unrecorded: bool) -> (String, Taint) {
    (place.to_owned(), Taint { sources: sources.iter().map(|&one| one.to_owned()).collect(), unrecorded })
}

/// `check` wrote `place` when it saw `sources`.
fn written(place: &str, sources: &[&str]) -> Taints {
    [taint(place, sources, false)].into_iter().collect()
}

/// What each step came to where a plugin wrote some of the data.
async fn run(lab: &Lab, taints: &Taints, script: Value, more: Value) -> Vec<Value> {
    let mut data = json!({ "script": script });
    data.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    let report = lab.probe_written(data, taints).await.expect("a report");
    report.details["results"].as_array().expect("results").clone()
}

async fn step(lab: &Lab, taints: &Taints, step: Value) -> Value {
    run(lab, taints, json!([step]), json!({})).await.remove(0)
}

fn send(url: &str, more: &Value) -> Value {
    let mut request = json!({ "url": url, "method": "POST" });
    request.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    json!({ "send": request })
}

#[tokio::test]
async fn a_written_secret_goes_only_where_all_of_it_may_go() {
    let lab = Lab::start().await;
    let header = |part: Value| json!({ "headers": { "authorization": [part] } });
    let (token, password) = (json!({ "secret": "/token" }), json!({ "secret": "/password" }));
    let form = |secret: &str| {
        json!({ "headers": { "content-type": "application/json" },
        "body": ["{\"token\": \"", { "secret": secret }, "\"}"] })
    };
    let field = "https://api.example.com/echo/field";
    for (what, taints, request, allowed) in [
        ("itself", written("/token", &["/token"]), send(ECHO, &header(token.clone())), true),
        ("both there", written("/token", &["/password", "/token"]), send(ECHO, &header(token.clone())), true),
        (
            "both there, as basic",
            written("/password", &["/token"]),
            send(ECHO, &header(json!({ "basic": ["me", "/password"] }))),
            true,
        ),
        (
            "another place",
            written("/token", &["/password"]),
            send(ECHO, &json!({ "query": { "key": [token.clone()] } })),
            false,
        ),
        ("another host", written("/token", &["/clientSecret"]), send(ECHO, &header(token.clone())), false),
        (
            "placed nowhere",
            written("/password", &["/broken", "/nowhere"]),
            send(ECHO, &header(password.clone())),
            false,
        ),
        (
            "body",
            written("/password", &["/token"]),
            send("https://api.example.com/echo/any", &json!({ "body": [password.clone()] })),
            false,
        ),
        ("the same field", written("/token", &["/token"]), send(field, &form("/token")), true),
        ("another's field", written("/token", &["/password"]), send(field, &form("/token")), false),
        ("another secret", written("/token", &["/clientSecret"]), send(ECHO, &header(password.clone())), true),
        (
            "token endpoint",
            written("/clientSecret", &["/token"]),
            json!({ "send": { "url": "https://login.example.com/acme%20inc/token", "method": "POST", "endpoint": "token",
                "headers": { "content-type": "application/x-www-form-urlencoded" },
                "body": ["client_secret=", { "form": "/clientSecret" }] } }),
            false,
        ),
    ] {
        let result = step(&lab, &taints, request).await;
        let (seen, recorded) = (lab.seen(), lab.recorded());
        let reason = recorded[0].reason.clone().unwrap_or_default();
        if allowed {
            // What it holds may be echoed: that is another rule.
            assert_eq!(seen.len(), 1, "{what}: {result}");
            continue;
        }
        assert_eq!((seen.len(), recorded[0].outcome), (0, Outcome::Denied), "{what}: {result}");
        assert!(
            reason.starts_with("check wrote the secret ") && reason.contains(" after it saw the secret "),
            "{reason}"
        );
        assert_eq!(result["error"], format!("denied: {reason}"), "{what}");
    }
}

#[tokio::test]
async fn what_is_made_of_a_written_secret_goes_no_further() {
    let lab = Lab::start().await;
    let sign = |key: Value| {
        let request = json!({ "url": ECHO, "headers": { "x-signature": [{ "hex": 0 }] } });
        json!([{ "load": key }, { "hmac": [0, "message"] }, { "send": request }])
    };
    let key = json!({ "secret": ["AWS4", "/key"] });
    for (taints, made) in [
        (written("/key", &["/key", "/account"]), true),
        // The account may be a key, and so may the password not.
        (written("/key", &["/key", "/password"]), false),
    ] {
        let results = run(&lab, &taints, sign(key.clone()), json!({})).await;
        assert_eq!(results[0]["error"].is_null(), made, "{results:?}");
        assert_eq!(lab.seen().len(), usize::from(made), "{results:?}");
    }
    // A key of two hosts, of which only one may have the other secret.
    let lab = Lab::with(|manifest, _, _| {
        let place = json!({ "secret": "/account", "host": "login.example.com", "place": "key" });
        let mut placements = manifest["placements"].as_array().unwrap().clone();
        placements.retain(|one| one["secret"] != "/account");
        placements.push(place);
        manifest["placements"] = placements.into();
    })
    .await;
    let taints = written("/key", &["/account", "/key"]);
    let results = run(&lab, &taints, sign(key.clone()), json!({})).await;
    assert!(results[2]["error"].as_str().unwrap().contains("lets the secret /account into key of GET"), "{results:?}");
    assert_eq!(lab.recorded()[0].outcome, Outcome::Denied);
    let digest = json!([{ "digest": ["sha256", [{ "secret": "/key" }]] }, sign(key)[2]]);
    let results = run(&lab, &taints, digest, json!({})).await;
    assert!(results[1]["error"].as_str().unwrap().starts_with("denied: check wrote the secret /key"), "{results:?}");
    assert!(lab.seen().is_empty());
}

#[tokio::test]
async fn what_was_captured_is_the_services_own() {
    let lab = Lab::start().await;
    let taints = written("/clientSecret", &["/clientSecret"]);
    let login = json!({ "url": "https://login.example.com/acme%20inc/token", "method": "POST", "endpoint": "token",
        "headers": { "content-type": "application/x-www-form-urlencoded" },
        "body": ["client_secret=", { "form": "/clientSecret" }] });
    let used = json!({ "url": ECHO, "headers": { "authorization": [{ "captured": "access-token" }] } });
    let results = run(&lab, &taints, json!([{ "send": login }, { "send": used }]), json!({})).await;
    assert_eq!(results[1]["status"], 200, "{results:?}");
    assert_eq!(lab.seen()[1].header("authorization"), Some(ACCESS_TOKEN));
}

#[tokio::test]
async fn secrets_of_which_nothing_is_recorded_go_where_each_goes_somehow() {
    let lab = Lab::start().await;
    let all = ["/token", "/password", "/clientSecret"];
    let unrecorded =
        |sources: &[&str]| -> Taints { all.map(|place| taint(place, sources, true)).into_iter().collect() };
    let query = send(ECHO, &json!({ "query": { "key": [{ "secret": "/token" }] } }));
    assert_eq!(step(&lab, &unrecorded(&["/token", "/password"]), query.clone()).await["status"], 200);
    let refused = step(&lab, &unrecorded(&all), query).await;
    let rule = "denied: nothing is recorded of who wrote the secret /token: it may hold the secret /clientSecret, which no \
        placement of the manifest sends to api.example.com:443; give the secrets of this credential again";
    assert_eq!(refused["error"], rule);
    assert_eq!(lab.recorded()[1].outcome, Outcome::Denied);
}

#[tokio::test]
async fn no_place_inside_a_written_value_is_told() {
    let lab = Lab::start().await;
    let document = json!({ "document": { "inner": "inner secret" } });
    let inner = |name: &str| json!({ "url": ECHO, "headers": { "x-inner": [{ "secret": name }] } });
    let script = json!([{ "send": inner("/document/inner") }, { "send": inner("/document/none") },
        { "load": { "secret": ["", "/document/inner"] } }, { "load": { "secret": ["", "/document/none"] } },
        { "load": { "pem": ["/account", "/a"] } }, { "load": { "pem": ["/account", "/b"] } }]);
    let free = run(&lab, &Taints::default(), script.clone(), document.clone()).await;
    assert_eq!(free[0]["status"], 200);
    let both = [taint("/document", &["/token"], false), taint("/account", &["/account"], false)];
    let written: Taints = both.into_iter().collect();
    let account = json!({ "document": { "inner": "inner secret" }, "account": "{\"a\": \"x\"}" });
    let told = run(&lab, &written, script, account).await;
    assert!(told[0]["error"].as_str().unwrap().contains("it goes as a whole"), "{told:?}");
    assert_eq!(told[0], told[1]);
    assert_eq!(told[4], told[5]);
}

#[tokio::test]
async fn an_answer_that_repeats_a_written_secret_is_withheld() {
    let lab = Lab::start().await;
    let header = json!({ "headers": { "authorization": ["Bearer ", { "secret": "/token" }] } });
    let results = run(&lab, &written("/token", &["/token"]), json!([send(ECHO, &header)]), json!({})).await;
    let rule = "the answer repeats a secret that check wrote: it is withheld";
    assert_eq!(results[0]["error"], format!("denied: {rule}"));
    let recorded = lab.recorded().remove(0);
    assert_eq!((recorded.outcome, recorded.status), (Outcome::Denied, Some(200)));
    assert_eq!(recorded.reason.as_deref(), Some(rule));
    // As a person gave it, it is blotted out and the rest is shown.
    let free = run(&lab, &Taints::default(), json!([send(ECHO, &header)]), json!({})).await;
    assert!(free[0]["body"].as_str().unwrap().contains("[secret]"), "{free:?}");
    assert!(!free[0].to_string().contains(TOKEN));
}

/// A hostile `check` cuts a secret into pieces that can be guessed; the host
/// that answers with every guess must not learn by the scrubbing which are right.
#[tokio::test]
async fn scrubbing_is_no_oracle() {
    let lab = Lab::start().await;
    let taints = written("/password", &["/password", "/token"]);
    let guesses = |right: &str| format!("{right} p-0000 p-0001 p-0002");
    // A host to which neither secret may go, through the field that steers.
    let at = |text: String| send("https://login.example.com/guesses", &json!({ "body": [text] }));
    let piece = json!({ "password": "p-7e7e" });
    let results = run(&lab, &taints, json!([at(guesses("p-7e7e"))]), piece.clone()).await;
    assert!(results[0]["body"].as_str().unwrap().contains(&guesses("p-7e7e")), "{results:?}");
    // Where it may go, one guess costs the whole answer.
    let results = run(&lab, &taints, json!([send(ECHO, &json!({ "body": [guesses("p-7e7e")] }))]), piece).await;
    assert!(results[0]["error"].as_str().unwrap().contains("repeats"), "{results:?}");
}

#[tokio::test]
async fn what_was_derived_from_secrets_is_not_read_in_the_network_plane() {
    let derives = json!(["/computed", { "field": "/copied", "secret": "/account", "at": "/email" }]);
    let lab = Lab::with(|manifest, _, _| manifest["derives"] = derives).await;
    let account = json!({ "email": "me@example.com" }).to_string();
    let config = async |taints: &Taints, copied: &str| {
        let data = json!({ "account": account, "computed": PASSWORD, "copied": copied, "plain": "x" });
        let results = run(&lab, taints, json!([{ "config": true }]), data).await;
        let config: Value = serde_json::from_str(results[0].as_str().unwrap()).unwrap();
        config.as_object().unwrap().keys().filter(|key| *key != "script").cloned().collect::<Vec<_>>()
    };
    assert_eq!(config(&Taints::default(), "me@example.com").await, ["copied", "plain", "tenant", "url"]);
    assert_eq!(config(&Taints::default(), "else").await, ["plain", "tenant", "url"]);
    // The copy of something that a plugin wrote, and a field of an older manifest.
    assert_eq!(config(&written("/account", &["/password"]), "me@example.com").await, ["plain", "tenant", "url"]);
    assert_eq!(config(&written("/plain", &["/password"]), "me@example.com").await, ["copied", "tenant", "url"]);
}
