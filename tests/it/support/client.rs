//! A small client that hides nothing: it returns status, headers and body.

use std::sync::{Arc, Mutex};

use reqwest::Method;
use serde_json::Value;

use super::Reply;

/// Sends requests with one token to one server.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
    /// What a path without a leading slash is relative to.
    account: String,
    recorded: Option<Arc<Mutex<Vec<Reply>>>>,
}

/// A request in the making.
pub(crate) struct Call {
    client: Client,
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<(String, Vec<u8>)>,
}

impl Client {
    pub(crate) fn new(http: reqwest::Client, base: String, token: Option<String>) -> Self {
        Self { http, base, token, account: "default".to_owned(), recorded: None }
    }

    /// The same client, with relative paths in another account.
    pub(crate) fn within(&self, account: &str) -> Self {
        Self { account: account.to_owned(), ..self.clone() }
    }

    /// The same client, keeping every answer.
    pub(crate) fn recording(&self, into: &Arc<Mutex<Vec<Reply>>>) -> Self {
        Self { recorded: Some(Arc::clone(into)), ..self.clone() }
    }

    pub(crate) fn token(&self) -> &str {
        self.token.as_deref().expect("a client with a token")
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.call(Method::GET, path).send().await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        self.call(Method::POST, path).json(&body).send().await
    }

    /// A POST that takes no body.
    pub(crate) async fn act(&self, path: &str) -> Reply {
        self.call(Method::POST, path).send().await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Reply {
        self.call(Method::PUT, path).json(&body).send().await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Reply {
        self.call(Method::PATCH, path).json(&body).send().await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.call(Method::DELETE, path).send().await
    }

    /// Every item of a list, page by page.
    pub(crate) async fn all(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut cursor = None::<String>;
        loop {
            let joint = if path.contains('?') { '&' } else { '?' };
            let page = match &cursor {
                Some(cursor) => self.get(&format!("{path}{joint}cursor={cursor}")).await,
                None => self.get(path).await,
            }
            .expect(200);
            items.extend(page["items"].as_array().expect("a list").iter().cloned());
            match &page["nextCursor"] {
                Value::Null => return items,
                next => cursor = Some(next.as_str().expect("a cursor is text").to_owned()),
            }
        }
    }

    pub(crate) fn call(&self, method: Method, path: &str) -> Call {
        let path =
            if path.starts_with('/') { path.to_owned() } else { format!("/v1/accounts/{}/{path}", self.account) };
        Call { client: self.clone(), method, path, headers: Vec::new(), body: None }
    }
}

impl Call {
    pub(crate) fn json(self, body: &Value) -> Self {
        self.bytes("application/json", body.to_string().into_bytes())
    }

    pub(crate) fn bytes(mut self, content_type: &str, body: Vec<u8>) -> Self {
        self.body = Some((content_type.to_owned(), body));
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) async fn send(self) -> Reply {
        let Self { client, method, path, headers, body } = self;
        let mut request = client.http.request(method.clone(), format!("{}{path}", client.base));
        if let Some(token) = &client.token {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if let Some((content_type, body)) = body {
            request = request.header("content-type", content_type).body(body);
        }
        let response = request.send().await.unwrap_or_else(|error| panic!("{method} {path}: {error:?}"));
        let reply = Reply::read(method.as_str(), &path, response).await;
        if let Some(recorded) = &client.recorded {
            recorded.lock().expect("no test thread panicked").push(reply.clone());
        }
        reply
    }
}
