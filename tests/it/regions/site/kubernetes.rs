use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};

use super::{Artifacts, Contents, Site};
use crate::support::lab::Kubernetes;

/// A cluster of Secrets.
pub(in super::super) struct Cluster {
    pub(in super::super) api: Kubernetes,
    has_namespace: AtomicBool,
}

impl Cluster {
    pub(in super::super) async fn start() -> Self {
        Self { api: Kubernetes::start().await, has_namespace: AtomicBool::new(false) }
    }
}

#[async_trait]
impl Site for Cluster {
    fn target(&self) -> &'static str {
        "kubernetes"
    }

    fn settings(&self) -> Value {
        json!({ "kubeconfig": self.api.kubeconfig() })
    }

    async fn held(&self, account: &str) -> Contents {
        let secrets = self.api.secrets(Some(&namespace(account))).await;
        let ours = secrets.iter().filter(|secret| secret["metadata"]["labels"][MANAGED_BY] == "bursar");
        ours.map(|secret| {
            let name = secret["metadata"]["annotations"]["bursar.dev/credential-name"].as_str().expect("its name");
            let data = secret["data"].as_object().expect("it holds something");
            let bytes = |value: &Value| BASE64_STANDARD.decode(value.as_str().expect("text")).expect("base64");
            let artifacts: Artifacts = data.iter().map(|(key, value)| (key.clone(), bytes(value))).collect();
            (name.to_owned(), artifacts)
        })
        .collect()
    }

    async fn plant(&self, account: &str, name: &str) {
        let namespace = namespace(account);
        let is_new = !self.has_namespace.swap(true, Ordering::Relaxed);
        if is_new && self.api.secrets(Some(&namespace)).await.is_empty() {
            self.api.make_namespace(&namespace).await;
        }
        self.api.make_secret(&place(account, name), json!({ "data": { "theirs": "dGhlaXJz" } })).await;
    }

    async fn uproot(&self, account: &str, name: &str) {
        self.api.delete_secret(&place(account, name)).await;
    }

    async fn trace(&self, account: &str, name: &str) -> String {
        self.api.secret(&place(account, name)).await.map(|secret| secret.to_string()).unwrap_or_default()
    }

    async fn tamper(&self, account: &str, name: &str) {
        self.api.change_secret(&place(account, name), json!({ "data": { "password": "dGFtcGVyZWQ=" } })).await;
    }

    async fn take(&self, account: &str, name: &str) {
        self.api.delete_secret(&place(account, name)).await;
    }
}

fn namespace(account: &str) -> String {
    format!("bursar-{account}")
}

fn place(account: &str, name: &str) -> String {
    format!("{}/{name}", namespace(account))
}

const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
