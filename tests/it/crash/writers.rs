//! Clients that write until the broker is gone.

use std::sync::Arc;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::world::{State, World};
use crate::support::Server;

/// How a client reaches one run of the broker.
#[derive(Clone)]
pub(super) struct Link {
    http: reqwest::Client,
    base: String,
    token: String,
}

impl Link {
    pub(super) fn to(server: &Server) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
        Self { http, base: server.base().to_owned(), token: server.operator_token().to_owned() }
    }

    /// Sends a request; `None` when the broker is gone before it answered whole.
    async fn send(&self, method: Method, path: &str, body: &Value, request_id: &str) -> Option<(u16, Value)> {
        let url = format!("{}/v1/accounts/default/credentials{path}", self.base);
        let request = self.http.request(method, url).bearer_auth(&self.token).header("x-request-id", request_id);
        let response = request.json(body).send().await.ok()?;
        let status = response.status().as_u16();
        let bytes = response.bytes().await.ok()?;
        Some((status, serde_json::from_slice(&bytes).unwrap_or(Value::Null)))
    }
}

/// What one writer does until the broker is gone.
pub(super) struct Writer {
    link: Link,
    world: Arc<World>,
    random: StdRng,
    /// Unique among the writers of all rounds.
    id: String,
    /// Live credentials that only this writer changes.
    own: Vec<String>,
    created: usize,
}

impl Writer {
    pub(super) fn new(link: &Link, world: &Arc<World>, seed: u64, id: String) -> Self {
        let random = StdRng::seed_from_u64(seed);
        Self { link: link.clone(), world: Arc::clone(world), random, id, own: Vec::new(), created: 0 }
    }

    /// Creates, rotates, reveals, deletes and restores, by chance.
    pub(super) async fn run(mut self) {
        while self.step().await.is_some() {}
    }

    async fn step(&mut self) -> Option<()> {
        let own = self.own.choose(&mut self.random).cloned();
        match (own, self.random.random_range(0..10)) {
            (Some(name), 0..4) => self.rotate(&name).await,
            (Some(name), 4..7) => self.reveal(&name).await,
            (Some(name), 7) => self.delete(&name).await,
            _ => self.create().await,
        }
    }

    async fn create(&mut self) -> Option<()> {
        let name = format!("{}-{}", self.id, self.created);
        self.created += 1;
        let password = secret();
        let request_id = Uuid::new_v4().to_string();
        let body = json!({ "type": "basic-auth", "name": name, "data": { "username": "octo", "password": password } });
        self.world.begin(&name, State { version: 1, password, live: true });
        let (status, answer) = self.link.send(Method::POST, "", &body, &request_id).await?;
        assert_eq!(status, 201, "{answer}");
        self.world.acknowledge(&name, "credential.create", &request_id);
        self.own.push(name);
        Some(())
    }

    async fn rotate(&mut self, name: &str) -> Option<()> {
        let known = self.world.credentials()[name].acknowledged.clone().expect("its creation was answered");
        let password = secret();
        let request_id = Uuid::new_v4().to_string();
        let body = json!({ "data": { "password": password } });
        self.world.begin(name, State { version: known.version + 1, password, live: true });
        let (status, answer) = self.link.send(Method::PATCH, &format!("/{name}"), &body, &request_id).await?;
        assert_eq!((status, &answer["version"]), (200, &json!(known.version + 1)), "{answer}");
        self.world.acknowledge(name, "credential.update", &request_id);
        Some(())
    }

    async fn reveal(&mut self, name: &str) -> Option<()> {
        let known = self.world.credentials()[name].acknowledged.clone().expect("its creation was answered");
        let request_id = Uuid::new_v4().to_string();
        let path = format!("/{name}/reveal");
        let (status, answer) = self.link.send(Method::POST, &path, &json!({}), &request_id).await?;
        assert_eq!(status, 200, "{answer}");
        assert_eq!(answer["data"]["password"], known.password.as_str());
        self.world.recorded("credential.reveal", &request_id);
        Some(())
    }

    /// Deletes it softly; it is not touched again.
    async fn delete(&mut self, name: &str) -> Option<()> {
        let known = self.world.credentials()[name].acknowledged.clone().expect("its creation was answered");
        let request_id = Uuid::new_v4().to_string();
        self.world.begin(name, State { live: false, ..known });
        self.own.retain(|own| own != name);
        let (status, answer) = self.link.send(Method::DELETE, &format!("/{name}"), &json!({}), &request_id).await?;
        assert_eq!(status, 204, "{answer}");
        self.world.acknowledge(name, "credential.delete", &request_id);
        Some(())
    }
}

fn secret() -> String {
    Uuid::new_v4().to_string()
}
