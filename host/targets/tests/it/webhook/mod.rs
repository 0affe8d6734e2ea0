//! Against receivers of several makes.

mod answers;
mod guide;
mod settings;
mod wire;

use std::sync::Arc;

use bursar_regions::{Login, Owner, Removal, Target, TargetError};
use serde_json::{Value, json};

use crate::support::receiver::Receiver;
use crate::support::region::{open, owner, parcel};

/// A receiver with a target that leads there.
struct Setup {
    receiver: Receiver,
    target: Arc<dyn Target>,
    owner: Owner,
    place: String,
}

impl Setup {
    async fn new() -> Self {
        let receiver = Receiver::start(KEY).await;
        let target = open("webhook", receiver.settings(), None::<Login>).await.expect("it opens");
        let owner = owner("acme", "db");
        let place = target.place(&owner).expect("a place");
        Self { receiver, target, owner, place }
    }

    async fn put(&self, key: &str, content: &[u8]) -> Result<Value, TargetError> {
        put(&self.target, key, content).await
    }

    async fn remove(&self, key: &str) -> Result<(), TargetError> {
        let removal = Removal { owner: self.owner.clone(), idempotency_key: key.to_owned() };
        self.target.remove(&self.place, &removal, None).await
    }
}

/// A target that leads to this URL.
async fn target(url: &str) -> Arc<dyn Target> {
    open("webhook", json!({ "url": url, "secret": KEY }), None::<Login>).await.expect("it opens")
}

/// Puts a password as the credential `db` of `acme`.
async fn put(target: &Arc<dyn Target>, key: &str, content: &[u8]) -> Result<Value, TargetError> {
    let owner = owner("acme", "db");
    let place = target.place(&owner).expect("a place");
    let mut parcel = parcel(&owner, &[("password", content)]);
    key.clone_into(&mut parcel.idempotency_key);
    target.put(&place, &parcel, None).await
}

const KEY: &str = "key-of-the-signatures";
