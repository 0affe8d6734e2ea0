//! Against a real `OpenBao`.

mod faults;
mod ownership;
mod put;
mod races;
mod settings;
mod sign_in;

use std::sync::Arc;

use bursar_regions::{Login, Owner, Removal, Seen, Target, TargetError};
use serde_json::{Value, json};

use crate::support::openbao::OpenBao;
use crate::support::region::{open, owner, parcel};

/// A server with a target that signs in by the root token.
struct Setup {
    server: OpenBao,
    target: Arc<dyn Target>,
    owner: Owner,
    place: String,
}

impl Setup {
    async fn new() -> Self {
        let server = OpenBao::start().await;
        let target = target(&server, &json!({})).await;
        let owner = owner("acme", "db");
        let place = target.place(&owner).expect("a place");
        Self { server, target, owner, place }
    }

    async fn put(&self, artifacts: &[(&str, &[u8])]) -> Result<Value, TargetError> {
        self.target.put(&self.place, &parcel(&self.owner, artifacts), None).await
    }

    async fn remove(&self) -> Result<(), TargetError> {
        let removal = Removal { owner: self.owner.clone(), idempotency_key: "removal".to_owned() };
        self.target.remove(&self.place, &removal, None).await
    }

    async fn look(&self) -> Seen {
        self.target.look(&self.place, &self.owner).await.expect("it can be looked at")
    }

    /// What the real client finds at the place: content and version.
    fn there(&self) -> Option<(Value, u64)> {
        let said = self.server.bao(&["kv", "get", "-format=json", &self.place], "");
        if !said.ok {
            return None;
        }
        let got: Value = serde_json::from_str(&said.stdout).expect("JSON");
        let version = got["data"]["metadata"]["version"].as_u64().expect("a version");
        Some((got["data"]["data"].clone(), version))
    }

    /// Its metadata, as the real client finds it.
    fn metadata(&self) -> Option<Value> {
        let said = self.server.bao(&["kv", "metadata", "get", "-format=json", &self.place], "");
        said.ok.then(|| serde_json::from_str::<Value>(&said.stdout).expect("JSON")["data"].clone())
    }

    /// Somebody else writes there.
    fn write(&self, pair: &str) {
        self.server.bao(&["kv", "put", &self.place, pair], "").output();
    }
}

/// A target that signs in by the root token, unless `settings` say otherwise.
async fn target(server: &OpenBao, settings: &Value) -> Arc<dyn Target> {
    let mut all = json!({ "address": server.address(), "token": server.root_token() });
    for (name, value) in settings.as_object().expect("an object") {
        all[name] = value.clone();
    }
    open("openbao", all, None::<Login>).await.expect("it opens")
}

/// Names and contents, in order.
fn ours(seen: Seen) -> Vec<(String, Vec<u8>)> {
    match seen {
        Seen::Ours(artifacts) => artifacts.into_iter().map(|(name, content)| (name, content.to_vec())).collect(),
        Seen::Nothing => panic!("there is nothing"),
        Seen::Foreign(whose) => panic!("it is foreign: {whose}"),
        Seen::CannotTell => panic!("it cannot tell"),
    }
}

fn one(name: &str, content: &[u8]) -> Vec<(String, Vec<u8>)> {
    vec![(name.to_owned(), content.to_vec())]
}
