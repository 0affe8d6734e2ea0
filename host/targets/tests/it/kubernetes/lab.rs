//! One API server for all tests of this process, and for each test a user and namespaces of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bursar_kernel::id::{AccountId, CredentialId, Name, RegionId};
use bursar_kernel::plugin::Artifact;
use bursar_kernel::secret::SecretJson;
use bursar_regions::{DriftPolicy, Mode, Owner, Parcel, Region, Removal, Seen, Target, TargetError, Targets as _};
use bursar_targets::SystemTargets;
use reqwest::{Certificate, Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;
use zeroize::Zeroizing;

/// `tests/lab/kubernetes.py`. It ends with this process: its standard input does.
struct Server {
    _process: Child,
    ready: Value,
    root: Vec<u8>,
}

/// A test's view of the server.
pub(crate) struct Cluster {
    user: String,
    token: String,
    pub(crate) kubeconfig: String,
}

/// What is put, with the names of its owner.
pub(crate) struct Given {
    pub(crate) owner: Owner,
    pub(crate) version: u32,
    pub(crate) formats: Vec<&'static str>,
    pub(crate) artifacts: Vec<(&'static str, Vec<u8>)>,
}

impl Cluster {
    /// With a user that may do everything.
    pub(crate) async fn new() -> Self {
        let user = unique("user");
        let made = control(Method::POST, "users", Some(&json!({ "name": user }))).await;
        let text = |name: &str| made[name].as_str().expect("a text").to_owned();
        Self { token: text("token"), kubeconfig: text("kubeconfig"), user }
    }

    /// A target with these settings besides the kubeconfig.
    pub(crate) async fn target(&self, mut settings: Value) -> Arc<dyn Target> {
        settings["kubeconfig"] = json!(self.kubeconfig);
        open(settings).await.expect("the target opens")
    }

    /// Orders a fault for this test's user: `tests/lab/kube/faults.py` describes it.
    pub(crate) async fn fault(&self, mut rule: Value) {
        rule["user"] = json!(self.user);
        control(Method::POST, "faults", Some(&rule)).await;
    }

    /// Denies this test's user something: `tests/lab/kube/access.py`.
    pub(crate) async fn deny(&self, mut denial: Value) {
        denial["user"] = json!(self.user);
        control(Method::POST, "denials", Some(&denial)).await;
    }

    /// Lets this test's user do everything again.
    pub(crate) async fn allow_all(&self) {
        control(Method::DELETE, &format!("denials?user={}", self.user), None).await;
    }

    /// The user's token is good no more.
    pub(crate) async fn forget_user(&self) {
        control(Method::DELETE, &format!("users/{}", self.user), None).await;
    }

    /// A kubeconfig with another token of the user.
    pub(crate) async fn another_kubeconfig(&self) -> String {
        let made = control(Method::POST, "users", Some(&json!({ "name": self.user }))).await;
        made["kubeconfig"].as_str().expect("a text").to_owned()
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// What this test's user changed: `[{verb, resource, namespace, name, before, after, uid, manager}]`.
    pub(crate) async fn writes(&self) -> Vec<Value> {
        self.of_user(control(Method::GET, "writes", None).await)
    }

    /// What this test's user asked: `[{method, path, query, status, fault}]`.
    pub(crate) async fn log(&self) -> Vec<Value> {
        self.of_user(control(Method::GET, "log", None).await)
    }

    fn of_user(&self, list: Value) -> Vec<Value> {
        let Value::Array(items) = list else { panic!("not a list: {list}") };
        items.into_iter().filter(|item| item["user"] == self.user.as_str()).collect()
    }

    /// A Secret as another sees it.
    pub(crate) async fn secret(&self, place: &str) -> Option<Value> {
        let (namespace, name) = place.split_once('/').expect("a place");
        let (status, value) = admin(Method::GET, &format!("namespaces/{namespace}/secrets/{name}"), "", None).await;
        (status != StatusCode::NOT_FOUND).then(|| succeeded(status, value))
    }

    /// Another makes a namespace.
    pub(crate) async fn make_namespace(&self, name: &str) {
        let body = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
        let (status, value) = admin(Method::POST, "namespaces", JSON, Some(&body)).await;
        succeeded(status, value);
    }

    /// Another makes a Secret.
    pub(crate) async fn make_secret(&self, place: &str, secret: Value) -> Value {
        let (namespace, _) = place.split_once('/').expect("a place");
        let body = object(place, secret);
        let (status, value) = admin(Method::POST, &format!("namespaces/{namespace}/secrets"), JSON, Some(&body)).await;
        succeeded(status, value)
    }

    /// Another changes a Secret by a merge patch.
    pub(crate) async fn change_secret(&self, place: &str, patch: Value) -> Value {
        let (namespace, name) = place.split_once('/').expect("a place");
        let at = format!("namespaces/{namespace}/secrets/{name}");
        let (status, value) = admin(Method::PATCH, &at, MERGE_PATCH, Some(&patch)).await;
        succeeded(status, value)
    }

    /// Runs kubectl as this test's user, and returns what it prints.
    #[track_caller]
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> String {
        let home = tempfile::tempdir().expect("a temporary folder");
        let file = home.path().join("kubeconfig");
        std::fs::write(&file, &self.kubeconfig).expect("a kubeconfig");
        let mut kubectl = clean(Command::new("kubectl"));
        run(kubectl.args(arguments).env("HOME", home.path()).env("KUBECONFIG", &file))
    }
}

/// The authority that vouches for the server, in PEM.
pub(crate) fn root() -> &'static [u8] {
    &server().root
}

/// Opens a target.
pub(crate) async fn open(settings: Value) -> Result<Arc<dyn Target>, TargetError> {
    let region = Region {
        id: RegionId(Uuid::from_u128(7)),
        name: Name::parse("eu").expect("a name"),
        title: String::new(),
        target: "kubernetes".to_owned(),
        settings: SecretJson::new(settings),
        login: None,
        drift: DriftPolicy::Repair,
        mode: Mode::Active,
        accounts: None,
        created_at: jiff::Timestamp::UNIX_EPOCH,
        updated_at: jiff::Timestamp::UNIX_EPOCH,
    };
    SystemTargets::default().open(INSTALLATION, &region, None).await
}

impl Given {
    /// One artifact of no special type, of an owner of its own.
    pub(crate) fn opaque(content: &str) -> Self {
        Self::new("env", &[("token", content)])
    }

    pub(crate) fn new(format: &'static str, artifacts: &[(&'static str, &str)]) -> Self {
        let account = unique("team");
        Self {
            owner: Owner {
                installation: INSTALLATION,
                account: AccountId(unique_id()),
                account_name: account,
                credential: CredentialId(unique_id()),
                credential_name: "ghcr".to_owned(),
            },
            version: 1,
            formats: vec![format],
            artifacts: artifacts.iter().map(|(name, content)| (*name, content.as_bytes().to_vec())).collect(),
        }
    }

    /// The next version, with other artifacts.
    pub(crate) fn next(&self, format: &'static str, artifacts: &[(&'static str, &str)]) -> Self {
        let mut next = Self::new(format, artifacts);
        next.owner = self.owner.clone();
        next.version = self.version + 1;
        next
    }

    pub(crate) fn parcel(&self) -> Parcel {
        let artifact = |(name, content): &(&str, Vec<u8>)| Artifact {
            name: (*name).to_owned(),
            media_type: "text/plain".to_owned(),
            content: Zeroizing::new(content.clone()),
            sensitive: true,
        };
        Parcel {
            owner: self.owner.clone(),
            type_id: "any".to_owned(),
            version: self.version,
            formats: self.formats.iter().map(|format| (*format).to_owned()).collect(),
            artifacts: self.artifacts.iter().map(artifact).collect(),
            idempotency_key: "one".to_owned(),
        }
    }

    pub(crate) fn place(&self, target: &Arc<dyn Target>) -> String {
        target.place(&self.owner).expect("a place")
    }

    pub(crate) async fn put(&self, target: &Arc<dyn Target>) -> Result<Value, TargetError> {
        target.put(&self.place(target), &self.parcel(), None).await
    }

    pub(crate) async fn remove(&self, target: &Arc<dyn Target>) -> Result<(), TargetError> {
        let removal = Removal { owner: self.owner.clone(), idempotency_key: "one".to_owned() };
        target.remove(&self.place(target), &removal, None).await
    }

    /// What the target sees: `nothing`, `foreign: ...`, or the content of ours by names.
    pub(crate) async fn look(&self, target: &Arc<dyn Target>) -> Value {
        match target.look(&self.place(target), &self.owner).await.expect("it can be looked at") {
            Seen::Nothing => json!("nothing"),
            Seen::Foreign(text) => json!(format!("foreign: {text}")),
            Seen::CannotTell => json!("cannot tell"),
            Seen::Ours(contents) => contents
                .into_iter()
                .map(|(name, content)| (name, Value::from(String::from_utf8_lossy(&content).into_owned())))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }
}

/// The data of a Secret, decoded.
pub(crate) fn data_of(secret: &Value) -> Value {
    let data = secret["data"].as_object().into_iter().flatten();
    data.map(|(key, value)| {
        let bytes = STANDARD.decode(value.as_str().expect("a text")).expect("base64");
        (key.clone(), Value::from(String::from_utf8_lossy(&bytes).into_owned()))
    })
    .collect::<serde_json::Map<_, _>>()
    .into()
}

/// A name that no other test has.
pub(crate) fn unique(stem: &str) -> String {
    format!("{stem}-{}", &unique_id().simple().to_string()[20..])
}

pub(crate) fn unique_id() -> Uuid {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).expect("randomness");
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// Runs a program that must succeed, and returns what it prints.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let texts = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(output.status.success(), "{command:?}: {}\n{}{}", output.status, texts[0], texts[1]);
    texts[0].clone()
}

/// A script of `tests/lab`, in the Python that `cargo xtask lab` makes.
pub(crate) fn python(script: &str) -> Command {
    let workspace = workspace();
    let interpreter = workspace.join("target/lab/bin/python");
    assert!(interpreter.exists(), "{} is not there: make it with `cargo xtask lab`", interpreter.display());
    let mut command = clean(Command::new(interpreter));
    command.arg(workspace.join("tests/lab").join(script));
    // What Python compiles is not left among the sources.
    command.env("PYTHONPYCACHEPREFIX", workspace.join("target/lab/pycache"));
    command
}

/// A proxy or a root certificate of the machine's would change what programs say.
fn clean(mut command: Command) -> Command {
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).env("LC_ALL", "C.UTF-8");
    command
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the workspace").to_owned()
}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut command = python("kubernetes.py");
        command.arg("--folder").arg(folder.path()).arg("--while-stdin").stdin(Stdio::piped());
        let mut process = command.spawn().expect("the server starts");
        let file = folder.path().join("ready.json");
        for _ in 0..1200 {
            if file.exists() || process.try_wait().expect("it can be asked").is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        // What went wrong is on standard error, which is ours.
        let text = std::fs::read_to_string(&file).expect("kubernetes.py starts");
        let ready: Value = serde_json::from_str(&text).expect("ready.json is JSON");
        let root = std::fs::read(ready["root"].as_str().expect("a path")).expect("a root");
        Server { _process: process, ready, root }
    })
}

async fn control(method: Method, path: &str, body: Option<&Value>) -> Value {
    let url = format!("http://127.0.0.1:{}/{path}", server().ready["control"]);
    let (status, value) = exchange(client(&[]), method, &url, JSON, body).await;
    succeeded(status, value)
}

/// A request of the user `admin`.
async fn admin(method: Method, path: &str, content_type: &str, body: Option<&Value>) -> (StatusCode, Value) {
    let server = server();
    let url = format!("https://127.0.0.1:{}/api/v1/{path}?fieldManager=somebody", server.ready["port"]);
    exchange(client(&server.root), method, &url, content_type, body).await
}

async fn exchange(
    client: reqwest::Client,
    method: Method,
    url: &str,
    content_type: &str,
    body: Option<&Value>,
) -> (StatusCode, Value) {
    let mut request = client.request(method, url).timeout(Duration::from_mins(1));
    if url.starts_with("https") {
        request = request.bearer_auth(server().ready["token"].as_str().expect("a token"));
    }
    if let Some(body) = body {
        request = request.header("Content-Type", content_type).body(body.to_string());
    }
    let response = request.send().await.unwrap_or_else(|error| panic!("{url}: {error:?}"));
    let status = response.status();
    let text = response.text().await.expect("a whole answer");
    (
        status,
        if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{url}: {status} {error}: {text}"))
        },
    )
}

/// A client for each call: connections belong to the runtime that opened them.
fn client(root: &[u8]) -> reqwest::Client {
    let roots = (!root.is_empty()).then(|| Certificate::from_pem(root).expect("a root"));
    reqwest::Client::builder().no_proxy().tls_certs_only(roots).build().expect("a client")
}

#[track_caller]
fn succeeded(status: StatusCode, value: Value) -> Value {
    assert!(status.is_success(), "{status}: {value}");
    value
}

/// A Secret at a place, of what is special about it.
pub(crate) fn object(place: &str, mut secret: Value) -> Value {
    let (namespace, name) = place.split_once('/').expect("a place");
    secret["apiVersion"] = json!("v1");
    secret["kind"] = json!("Secret");
    secret["metadata"]["namespace"] = json!(namespace);
    secret["metadata"]["name"] = json!(name);
    secret
}

pub(crate) const INSTALLATION: Uuid = Uuid::from_u128(0x0019_3a5b_0000_7000_8000_0000_0000_0001);
const JSON: &str = "application/json";
const MERGE_PATCH: &str = "application/merge-patch+json";
