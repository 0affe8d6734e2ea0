//! A test's own tenant.

use std::sync::atomic::{AtomicU32, Ordering};

use futures::future::join_all;
use serde_json::{Value, json};

use super::{Client, Server};

/// An account of one test with a client for each role, all of them relative to
/// it.
pub(crate) struct Account {
    pub(crate) server: Server,
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) operator: Client,
    pub(crate) admin: Client,
    pub(crate) manager: Client,
    pub(crate) member: Client,
    pub(crate) auditor: Client,
    pub(crate) workload: Client,
}

impl Account {
    /// Makes one on the shared server.
    pub(crate) async fn new() -> Self {
        Self::on(&Server::shared().await).await
    }

    /// Makes one on this server.
    pub(crate) async fn on(server: &Server) -> Self {
        let name = unique("t");
        let made =
            server.operator().post("/v1/accounts", json!({ "name": name, "title": "Of a test" })).await.expect(201);
        let operator = server.operator().within(&name);
        let roles = ["admin", "credentials-manager", "member", "auditor", "workload"];
        let clients = join_all(roles.map(|role| {
            let operator = operator.clone();
            async move { operator.post("tokens", json!({ "name": role, "role": role })).await.expect(201) }
        }))
        .await;
        let mut clients = clients.iter().map(|token| {
            let text = token["token"].as_str().expect("a new token's text");
            server.with_token(text).within(&name)
        });
        let mut next = || clients.next().expect("five roles");
        let (admin, manager, member, auditor, workload) = (next(), next(), next(), next(), next());
        let id = made["id"].as_str().expect("an id").to_owned();
        drop(clients);
        Self { server: server.clone(), id, operator, admin, manager, member, auditor, workload, name }
    }

    /// A token with these members besides its name, as a client.
    pub(crate) async fn token(&self, mut members: Value) -> Client {
        members["name"] = json!(unique("token"));
        let made = self.admin.post("tokens", members).await.expect(201);
        self.server.with_token(made["token"].as_str().expect("its text")).within(&self.name)
    }

    /// Creates a credential as the credentials manager.
    pub(crate) async fn create(&self, body: Value) -> Value {
        self.manager.post("credentials", body).await.expect(201)
    }
}

/// A name that nothing else in this process has; servers do not outlive it.
pub(crate) fn unique(prefix: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("{prefix}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}
