use async_trait::async_trait;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Contents, Site};
use crate::support::openbao::OpenBao;

/// A real `OpenBao`, asked over its API.
pub(in super::super) struct Vault {
    pub(in super::super) server: OpenBao,
}

impl Vault {
    pub(in super::super) async fn start() -> Self {
        Self { server: OpenBao::start().await }
    }

    /// What it answers; `None` where there is nothing.
    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Option<Value> {
        let http = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
        let url = format!("{}/v1/secret/{path}", self.server.address());
        let mut request = http.request(method, &url).header("X-Vault-Token", self.server.root_token());
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        let response = request.send().await.unwrap_or_else(|error| panic!("{url}: {error:?}"));
        let status = response.status();
        let text = response.text().await.expect("a whole answer");
        if status == StatusCode::NOT_FOUND {
            return None;
        }
        assert!(status.is_success(), "{url}: {status} {text}");
        Some(serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// The latest content, with its version.
    async fn content(&self, account: &str, name: &str) -> Option<Value> {
        let mut answer = self.ask(Method::GET, &format!("data/bursar/{account}/{name}"), None).await?;
        Some(answer["data"].take())
    }

    async fn write(&self, account: &str, name: &str, data: Value) {
        let path = format!("data/bursar/{account}/{name}");
        self.ask(Method::POST, &path, Some(json!({ "data": data }))).await.expect("the engine is there");
    }

    async fn delete(&self, account: &str, name: &str) {
        self.ask(Method::DELETE, &format!("metadata/bursar/{account}/{name}"), None).await.expect("it is there");
    }
}

#[async_trait]
impl Site for Vault {
    fn target(&self) -> &'static str {
        "openbao"
    }

    fn settings(&self) -> Value {
        json!({ "address": self.server.address(), "token": self.server.root_token() })
    }

    async fn held(&self, account: &str) -> Contents {
        let list = self.ask(Method::GET, &format!("metadata/bursar/{account}?list=true"), None).await;
        let names = list.map_or_else(Vec::new, |list| list["data"]["keys"].as_array().cloned().expect("a list"));
        let mut held = Contents::new();
        for name in names.iter().map(|name| name.as_str().expect("a name")) {
            let Some(metadata) = self.ask(Method::GET, &format!("metadata/bursar/{account}/{name}"), None).await else {
                continue;
            };
            if metadata["data"]["custom_metadata"]["managed-by"] != "bursar" {
                continue;
            }
            if let Some(content) = self.content(account, name).await {
                let data = content["data"].as_object().expect("an object").iter();
                let bytes = |value: &Value| value.as_str().expect("text").as_bytes().to_vec();
                held.insert(name.to_owned(), data.map(|(key, value)| (key.clone(), bytes(value))).collect());
            }
        }
        held
    }

    async fn plant(&self, account: &str, name: &str) {
        self.write(account, name, json!({ "theirs": "theirs" })).await;
    }

    async fn uproot(&self, account: &str, name: &str) {
        self.delete(account, name).await;
    }

    async fn trace(&self, account: &str, name: &str) -> String {
        let metadata = self.ask(Method::GET, &format!("metadata/bursar/{account}/{name}"), None).await;
        let content = self.content(account, name).await;
        let metadata = metadata.map(|mut metadata| metadata["data"].take());
        format!("{metadata:?} {content:?}")
    }

    async fn tamper(&self, account: &str, name: &str) {
        self.write(account, name, json!({ "username": "octo", "password": "tampered" })).await;
    }

    async fn take(&self, account: &str, name: &str) {
        self.delete(account, name).await;
    }
}
