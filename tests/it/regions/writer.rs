//! A client that goes on changing credentials until the broker is gone.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::world::{World, basic};
use crate::support::reply::text;

/// What it does is read from the broker afterwards, so it keeps no book.
pub(super) struct Writer {
    http: reqwest::Client,
    base: String,
    token: String,
    random: StdRng,
    /// Names of live credentials whose data it may change.
    live: Vec<String>,
}

impl Writer {
    pub(super) async fn new(world: &World, seed: u64) -> Self {
        let live = world.client.all("credentials?limit=500&type=basic-auth").await;
        Self {
            http: reqwest::Client::builder().no_proxy().build().expect("an HTTP client"),
            base: format!("{}/v1/accounts/{}/credentials", world.server.base(), world.account),
            token: world.server.operator_token().to_owned(),
            random: StdRng::seed_from_u64(seed),
            live: live.iter().map(|item| text(&item["name"]).to_owned()).collect(),
        }
    }

    /// Rotates, renames, retitles, creates and deletes, by chance.
    pub(super) async fn run(mut self) {
        while self.step().await.is_some() {
            tokio::time::sleep(std::time::Duration::from_millis(self.random.random_range(0..20))).await;
        }
    }

    async fn step(&mut self) -> Option<()> {
        let one = self.live.choose(&mut self.random).cloned();
        match (one, self.random.random_range(0..10)) {
            (Some(name), 0..4) => {
                let patch = json!({ "data": { "password": password() } });
                self.send(Method::PATCH, &format!("/{name}"), patch, 200).await
            }
            (Some(name), 4) => {
                let to = unique();
                self.live.retain(|live| *live != name);
                self.live.push(to.clone());
                self.send(Method::PATCH, &format!("/{name}"), json!({ "name": to }), 200).await
            }
            (Some(name), 5) => self.send(Method::PATCH, &format!("/{name}"), json!({ "title": unique() }), 200).await,
            (Some(name), 6..8) => {
                self.live.retain(|live| *live != name);
                self.send(Method::DELETE, &format!("/{name}"), json!({}), 204).await
            }
            _ => {
                let name = unique();
                self.live.push(name.clone());
                self.send(Method::POST, "", basic(&name, &password()), 201).await
            }
        }
    }

    /// `None` when the broker is gone before it answered whole.
    async fn send(&self, method: Method, path: &str, body: Value, expected: u16) -> Option<()> {
        let request = self.http.request(method.clone(), format!("{}{path}", self.base)).bearer_auth(&self.token);
        let response = request.json(&body).send().await.ok()?;
        let status = response.status();
        let told = response.text().await.ok()?;
        assert_eq!(status, expected, "{method} {path}: {told}");
        Some(())
    }
}

/// Whoever reads a part of it can tell.
pub(super) fn password() -> String {
    format!("p-{}-end", Uuid::new_v4())
}

fn unique() -> String {
    format!("n-{}", Uuid::new_v4())
}
