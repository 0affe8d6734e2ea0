//! The length of a secret changes no limit: a plugin that holds it by name could
//! measure it otherwise.

use std::sync::Arc;

use async_trait::async_trait;
use bursar_kernel::plugin::{PluginError, Plugins as _};
use bursar_plugin_host::{Reach, Transport, TransportError, WireAnswer, WireRequest};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::lab::Lab;

const LARGEST: usize = 16 << 10;

/// A service without limits of its own, which would tell by them what it knows.
struct Patient;

#[async_trait]
impl Transport for Patient {
    async fn exchange(&self, _: WireRequest, _: &Reach) -> Result<WireAnswer, TransportError> {
        Ok(WireAnswer { status: 200, headers: Vec::new(), body: Zeroizing::new(b"taken".to_vec()) })
    }
}

/// Every limit of a request and of its answer, from both sides, with secrets in
/// it: what each came to, word for word.
async fn transcript(lab: &Lab, secret: &str) -> Vec<Value> {
    let quiet = "https://api.example.com/cookie";
    let mut told = Vec::new();
    let placed = json!({ "secret": "/token" });
    for filler in [0, 1, 100, (8 << 10) - 45, (8 << 10) - 44, (8 << 10) - 40, 8 << 10] {
        let text = json!({ "filler": filler });
        told.push(lab.send_with(secret, json!({ "url": quiet, "query": { "key": [placed, text] } })).await);
    }
    for filler in [0, (16 << 10) - 20, (16 << 10) - 13, (16 << 10) - 12, 16 << 10] {
        let text = json!({ "filler": filler });
        let header = json!({ "url": quiet, "headers": { "authorization": ["B ", placed, text] } });
        told.push(lab.send_with(secret, header).await);
    }
    for user in [1, (16 << 10) - 14, (16 << 10) - 13, (16 << 10) - 12] {
        let basic = json!({ "basic": ["u".repeat(user), "/token"] });
        told.push(lab.send_with(secret, json!({ "url": quiet, "headers": { "authorization": [basic] } })).await);
    }
    for filler in [0, (1 << 20) - 1, 1 << 20, (1 << 20) + 1] {
        let body = json!({ "url": quiet, "method": "POST", "body": [placed, { "filler": filler }] });
        told.push(lab.send_with(secret, body).await);
    }
    for parts in [1, 31, 32, 33] {
        let body = json!({ "url": quiet, "method": "POST", "body": vec![placed.clone(); parts] });
        told.push(lab.send_with(secret, body).await);
        let query = json!({ "url": quiet, "query": { "key": vec![placed.clone(); parts] } });
        told.push(lab.send_with(secret, query).await);
        let fields = (0..parts).map(|n| (format!("k{n}"), json!([placed]))).collect::<serde_json::Map<_, _>>();
        told.push(lab.send_with(secret, json!({ "url": quiet, "headers": fields })).await);
    }
    for script in [
        json!([{ "load": { "secret": ["AWS4", "/token"] } }, { "hmac": [0, "x"] }, { "derive": [0, [placed]] }]),
        json!([{ "digest": ["sha256", vec![placed.clone(); 32]] }, { "digest": ["sha1", vec![placed; 33]] }]),
    ] {
        told.push(lab.script_with(secret, script).await);
    }
    told
}

impl Lab {
    async fn send_with(&self, secret: &str, request: Value) -> Value {
        self.script_with(secret, json!([{ "send": request }])).await
    }

    async fn script_with(&self, secret: &str, script: Value) -> Value {
        let report = self.probe(json!({ "token": secret, "script": script })).await.expect("a report");
        let mut results = report.details["results"].clone();
        // The server's clock is not the secret's doing.
        for result in results.as_array_mut().expect("results") {
            if let Some(headers) = result.get_mut("headers").and_then(Value::as_object_mut) {
                headers.remove("date");
            }
        }
        results
    }
}

/// Over `wire`, or to the lab's own server.
async fn lab(wire: Option<Arc<dyn Transport>>) -> Lab {
    Lab::with(|manifest, network, _| {
        network.transport = wire;
        let place = |place: &str| json!({ "secret": "/token", "host": "api.example.com", "place": place });
        let mut places = vec![place("header:authorization"), place("query:key"), place("body"), place("key")];
        places.extend((0..33).map(|n| place(&format!("header:k{n}"))));
        manifest["placements"] = places.into();
    })
    .await
}

#[tokio::test]
async fn a_secret_of_one_byte_and_the_largest_look_the_same() {
    let lab = lab(Some(Arc::new(Patient))).await;
    let small = transcript(&lab, "s").await;
    let large = transcript(&lab, &"l".repeat(LARGEST)).await;
    // Every character of it is three in a query, and six in a JSON string.
    let wide = transcript(&lab, &"\u{7f}".repeat(LARGEST)).await;
    for (at, (small, large)) in small.iter().zip(&large).enumerate() {
        assert_eq!(small, large, "step {at}");
    }
    // A header would not hold those, which says what it is and not how long.
    let but_control = |told: &[Value]| -> Vec<Value> {
        told.iter()
            .filter(|one| !one.to_string().contains("status") && !one.to_string().contains("control"))
            .cloned()
            .collect()
    };
    assert!(but_control(&wide).iter().all(|one| small.contains(one)), "{wide:?}");
    let told = serde_json::to_string(&small).unwrap();
    for limit in ["8 KiB beside", "16 KiB beside", "1 MiB beside", "more than 32 secrets", "more than one secret"] {
        assert!(told.contains(limit), "{limit} was not reached: {told}");
    }
    assert!(small.iter().any(|one| one[0]["status"] == 200));
}

/// The client has limits of its own: a request that the host allows is sent.
#[tokio::test]
async fn the_largest_secret_fits_into_the_longest_query() {
    let lab = lab(None).await;
    // Every character of it is three in a query.
    let query = json!({ "key": [{ "secret": "/token" }, { "filler": (8 << 10) - 100 }] });
    let request = json!({ "url": "https://api.example.com/cookie", "query": query });
    let small = lab.send_with("s", request.clone()).await;
    assert_eq!(small[0]["status"], 200, "{small}");
    assert_eq!(small, lab.send_with(&"\u{7f}".repeat(LARGEST), request).await);
    assert!(lab.seen()[1].target.len() > 3 * LARGEST);
}

#[tokio::test]
async fn an_echo_counts_as_it_is_shown() {
    let lab = Lab::with(|manifest, _, _| {
        manifest["placements"] = json!([{ "secret": "/token", "host": "api.example.com", "place": "body" }]);
    })
    .await;
    // The echo of both is as large on the wire as the answer to the shown size
    // would allow, or much larger.
    let mut sizes = Vec::new();
    for secret in ["abcd".to_owned(), "l".repeat(LARGEST)] {
        let mut told = Vec::new();
        for filler in [1000, (1 << 20) - 4000, (1 << 20) - 300, (1 << 20) - 64, 1 << 20] {
            let body = json!([{ "secret": "/token" }, { "filler": filler }]);
            let request = json!({ "url": "https://api.example.com/echo", "method": "POST", "body": body, });
            let result = lab.send_with(&secret, request).await;
            told.push((result[0]["size"].clone(), result[0]["error"].clone()));
        }
        sizes.push(told);
    }
    // Only the length of the request, which the server tells in its own words.
    let shown = |told: &[(Value, Value)]| told.iter().map(|(_, error)| error.clone()).collect::<Vec<_>>();
    assert_eq!(shown(&sizes[0]), shown(&sizes[1]));
    assert!(shown(&sizes[0]).iter().any(|error| error == "too-large"), "{sizes:?}");
}

#[tokio::test]
async fn a_secret_that_is_placed_has_a_greatest_length() {
    let lab = lab(None).await;
    let long = "l".repeat(LARGEST + 1);
    let refused = lab.probe(json!({ "token": long, "script": [] })).await;
    let Err(PluginError::Invalid(violations)) = refused else { panic!("refused before the plugin runs: {refused:?}") };
    assert_eq!((violations[0].pointer.as_str(), violations[0].code.as_str()), ("/token", "too-large"));
    let report = lab.host.validate_form("talker", &super::lab::data(json!({ "token": long }))).expect("a report");
    assert_eq!(report.violations, violations);
    assert!(lab.recorded().is_empty() && lab.seen().is_empty());
}
