//! `tests/lab/kubernetes.py`: an API server of namespaces and Secrets.

use std::path::Path;

use reqwest::{Certificate, Method, StatusCode};
use serde_json::{Value, json};

use super::script::{Script, list};

/// An API server. Its users may do everything until they are denied something; `admin` is the first.
pub(crate) struct Kubernetes(Script);

impl Kubernetes {
    pub(crate) async fn start() -> Self {
        Self(Script::start("kubernetes.py", Vec::new(), Vec::new()).await)
    }

    /// `https://127.0.0.1:PORT`.
    pub(crate) fn address(&self) -> String {
        format!("https://127.0.0.1:{}", self.0.ready["port"])
    }

    /// The root that vouches for the server.
    pub(crate) fn root_pem_path(&self) -> &Path {
        Path::new(self.text("root"))
    }

    /// The bearer token of `admin`.
    pub(crate) fn token(&self) -> &str {
        self.text("token")
    }

    /// A self-contained kubeconfig of `admin`, for a region's setting `kubeconfig`.
    pub(crate) fn kubeconfig(&self) -> &str {
        self.text("kubeconfig")
    }

    /// A kubeconfig of another user, with a new token.
    pub(crate) async fn user(&self, name: &str) -> String {
        let made = self.control(Method::POST, "users", Some(&json!({ "name": name }))).await;
        made["kubeconfig"].as_str().expect("a text").to_owned()
    }

    /// The user's tokens are good no more.
    pub(crate) async fn forget_user(&self, name: &str) {
        self.control(Method::DELETE, &format!("users/{name}"), None).await;
    }

    /// Denies a user something, as `tests/lab/kube/access.py` describes it: `{"user": "admin", "verb": "patch"}`.
    pub(crate) async fn deny(&self, denial: Value) {
        self.control(Method::POST, "denials", Some(&denial)).await;
    }

    /// Lets a user do everything again.
    pub(crate) async fn allow_all(&self, user: &str) {
        self.control(Method::DELETE, &format!("denials?user={user}"), None).await;
    }

    /// Orders a fault, as `tests/lab/kube/faults.py` describes it: `{"kind": "status", "status": 429, "times": 3}`.
    pub(crate) async fn fault(&self, rule: Value) {
        self.control(Method::POST, "faults", Some(&rule)).await;
    }

    /// The faults that were ordered and have not happened yet.
    pub(crate) async fn faults_left(&self) -> Vec<Value> {
        list(self.control(Method::GET, "faults", None).await)
    }

    /// Takes all faults back.
    pub(crate) async fn clear_faults(&self) {
        self.control(Method::DELETE, "faults", None).await;
    }

    /// Every change: `{verb, resource, namespace, name, user, manager, uid, before, after}`, the last two being
    /// resourceVersions.
    pub(crate) async fn writes(&self) -> Vec<Value> {
        list(self.control(Method::GET, "writes", None).await)
    }

    pub(crate) async fn clear_writes(&self) {
        self.control(Method::DELETE, "writes", None).await;
    }

    /// Every request: `{method, path, query, user, status, fault}`.
    pub(crate) async fn log(&self) -> Vec<Value> {
        list(self.control(Method::GET, "log", None).await)
    }

    pub(crate) async fn clear_log(&self) {
        self.control(Method::DELETE, "log", None).await;
    }

    /// Mistakes of the fake itself; a test wants none.
    pub(crate) async fn failures(&self) -> Vec<Value> {
        list(self.control(Method::GET, "failures", None).await)
    }

    /// The Secret of a place such as `bursar-default/ghcr`, if it is there.
    pub(crate) async fn secret(&self, place: &str) -> Option<Value> {
        let (status, value) = self.api(Method::GET, &path_of(place), None).await;
        (status != StatusCode::NOT_FOUND).then(|| succeeded(status, value))
    }

    /// Every Secret of the cluster, or of a namespace.
    pub(crate) async fn secrets(&self, namespace: Option<&str>) -> Vec<Value> {
        let around = namespace.map_or_else(String::new, |name| format!("namespaces/{name}/"));
        let (status, mut value) = self.api(Method::GET, &format!("{around}secrets"), None).await;
        list(succeeded(status, value["items"].take()))
    }

    /// Another makes a namespace.
    pub(crate) async fn make_namespace(&self, name: &str) {
        let body = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
        let (status, value) = self.api(Method::POST, "namespaces", Some(&body)).await;
        succeeded(status, value);
    }

    /// Another makes a Secret at a place, in a namespace that is there, of what is special about it: `{"data": {...}}`.
    pub(crate) async fn make_secret(&self, place: &str, mut secret: Value) -> Value {
        let (namespace, name) = place.split_once('/').expect("a place");
        secret["apiVersion"] = json!("v1");
        secret["kind"] = json!("Secret");
        secret["metadata"]["name"] = json!(name);
        let (status, value) = self.api(Method::POST, &format!("namespaces/{namespace}/secrets"), Some(&secret)).await;
        succeeded(status, value)
    }

    /// Another changes a Secret by a merge patch.
    pub(crate) async fn change_secret(&self, place: &str, patch: Value) -> Value {
        let (status, value) = self.api(Method::PATCH, &path_of(place), Some(&patch)).await;
        succeeded(status, value)
    }

    /// Another deletes a Secret.
    pub(crate) async fn delete_secret(&self, place: &str) {
        let (status, value) = self.api(Method::DELETE, &path_of(place), None).await;
        succeeded(status, value);
    }

    /// A request of `admin`, under the field manager `somebody`.
    async fn api(&self, method: Method, path: &str, body: Option<&Value>) -> (StatusCode, Value) {
        let root = std::fs::read(self.root_pem_path()).expect("a root");
        let roots = [Certificate::from_pem(&root).expect("a root")];
        let client = reqwest::Client::builder().no_proxy().tls_certs_only(roots).build().expect("an HTTP client");
        let content_type = if method == Method::PATCH { "application/merge-patch+json" } else { "application/json" };
        let url = format!("{}/api/v1/{path}?fieldManager=somebody", self.address());
        let mut request = client.request(method, &url).bearer_auth(self.token());
        if let Some(body) = body {
            request = request.header("Content-Type", content_type).body(body.to_string());
        }
        let response = request.send().await.unwrap_or_else(|error| panic!("{url}: {error:?}"));
        let status = response.status();
        let text = response.text().await.expect("a whole answer");
        (status, serde_json::from_str(&text).expect("an answer in JSON"))
    }

    async fn control(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        self.0.control(method, path, body).await
    }

    fn text(&self, name: &str) -> &str {
        self.0.ready[name].as_str().expect("a text")
    }
}

fn path_of(place: &str) -> String {
    let (namespace, name) = place.split_once('/').expect("a place");
    format!("namespaces/{namespace}/secrets/{name}")
}

#[track_caller]
fn succeeded(status: StatusCode, value: Value) -> Value {
    assert!(status.is_success(), "{status}: {value}");
    value
}
