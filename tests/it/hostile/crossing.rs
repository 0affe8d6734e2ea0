//! A secret must not reach the host of another, whatever a plugin makes of it.
//!
//! `tests/guests/crossing` has two secrets and two hosts. Its `check` sees both
//! and writes the first into the second; its probe then sends the second to
//! where that may go. Taint keeps it, also from another component that takes
//! over under the same manifest.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::guest::{Guest, component, install};
use crate::leaks::canary::Canary;
use crate::support::echo::Echo;
use crate::support::{Client, Server, account};

/// How the probe sends the second secret: what is denied each time.
const WAYS: &[&str] = &["header", "basic", "body", "token", "hmac", "digest"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_does_not_travel_to_another_secrets_host() {
    let world = World::start().await;
    // As people gave them, both go where the manifest says.
    for way in WAYS {
        let name = world.create("none", way).await;
        assert_eq!(world.probe(&name).await, "sent: 200", "{way}");
        assert_eq!(world.requests(), 1, "{way}");
    }
    for mode in ["append", "replace"] {
        for way in WAYS {
            let name = world.create(mode, way).await;
            let outcome = world.probe(&name).await;
            assert!(
                outcome.starts_with("denied: check wrote the secret /b after it saw the secret /a"),
                "{way}: {outcome}"
            );
            assert_eq!(world.requests(), 0, "{mode} {way}: something was sent");
            let record = world.last_denial().await;
            assert_eq!(record["detail"]["host"], "b.test:443", "{way}: {record}");
            assert!(record["detail"]["reason"].as_str().unwrap().contains("after it saw the secret /a"), "{record}");
        }
    }
    // What the host can tell to be the same secret is no crossing.
    let body = world.body("trimmed", "trim", "header", &format!(" {}\r\n", world.b.text()));
    world.operator.post("credentials", body).await.expect(201);
    assert_eq!(world.probe("trimmed").await, "sent: 200");
    assert_eq!(world.requests(), 1);
    // The first secret never was one for the second host.
    let name = world.create("none", "first").await;
    assert!(world.probe(&name).await.starts_with("denied: no placement of the manifest lets the secret /a"));
    // A secret stays one, so that whether there is one tells nothing.
    let refused = world.operator.post("credentials", world.body("nothing", "nothing", "header", "x")).await;
    assert!(refused.status >= 500, "{} {:?}", refused.status, refused.body);
    world.nothing_crossed();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn taint_follows_the_value_through_every_change() {
    let world = World::start().await;
    let denied = async |name: &str, what: &str| {
        let outcome = world.probe(name).await;
        assert!(outcome.starts_with("denied: check wrote the secret /b"), "{what}: {outcome}");
        assert_eq!(world.requests(), 0, "{what}");
    };
    // Before anything is stored.
    for path in ["credentials/validate?probe=true", "credentials?probe=true"] {
        world.operator.post(path, world.body("candidate", "append", "header", world.b.text())).await;
        assert_eq!(world.requests(), 0, "{path}");
        assert!(world.last_denial().await["detail"]["reason"].is_string(), "{path}");
    }
    let name = world.create("append", "header").await;
    let path = format!("credentials/{name}");
    denied(&name, "as it was made").await;

    // Other code under the same manifest takes over unasked.
    world.replace(Guest::OtherCrossing).await;
    assert!(world.report(&name).await["other"].as_bool().unwrap());
    denied(&name, "after a takeover").await;
    world.operator.patch(&path, json!({ "title": "New" })).await.expect(200);
    denied(&name, "after a change of something else").await;
    world.operator.patch(&path, json!({ "data": { "mode": "none" } })).await.expect(200);
    denied(&name, "after a change of another field").await;
    world.operator.patch(&format!("{path}?probe=true"), json!({ "data": { "mode": "x" } })).await;
    assert_eq!(world.requests(), 0, "a preflight");
    // Repeating what is stored vouches for nothing.
    let revealed = world.operator.post(&format!("{path}/reveal"), json!({})).await.expect(200);
    let same = json!({ "data": { "mode": "y", "b": revealed["data"]["b"] } });
    world.operator.patch(&path, same).await.expect(200);
    denied(&name, "after it was sent again").await;

    // Given anew it is a person's own.
    let again = json!({ "data": { "b": world.b.text() } });
    world.operator.patch(&path, again).await.expect(200);
    assert_eq!(world.probe(&name).await, "sent: 200");
    assert_eq!(world.requests(), 1);
    // And an old version is what it was.
    world.operator.act(&format!("{path}/versions/1/restore")).await.expect(200);
    denied(&name, "after a restore").await;
    let world = world.restart().await;
    let outcome = world.probe(&name).await;
    assert!(outcome.starts_with("denied: check wrote the secret /b"), "after a restart: {outcome}");
    world.nothing_crossed();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_derived_from_a_secret_is_no_way_out() {
    let world = World::start().await;
    let name = world.create("derive", "config").await;
    let path = format!("credentials/{name}");
    let shown = world.operator.get(&path).await.expect(200);
    assert_eq!(shown["data"]["derived"], world.a.text(), "people may read it: the operator granted that");
    for what in ["as it was made", "after inspect saw what is stored"] {
        assert_eq!(world.probe(&name).await, "sent: 200", "{what}");
        let config = world.report(&name).await["config"].as_str().unwrap().to_owned();
        world.a.not_in(what, config.as_bytes());
        world.operator.patch(&path, json!({ "data": { "mode": what } })).await.expect(200);
        let shown = world.operator.get(&path).await.expect(200);
        assert_eq!(shown["data"]["derived"], world.a.text(), "{what}");
        world.a.not_in(what, shown["data"]["note"].to_string().as_bytes());
        world.a.not_in(what, shown["attributes"].to_string().as_bytes());
    }
    assert!(world.requests() > 0);
    world.nothing_crossed();
}

struct World {
    folder: tempfile::TempDir,
    server: Server,
    operator: Client,
    echo: Echo,
    /// What reached the second host so far.
    seen: std::sync::Mutex<Vec<Vec<u8>>>,
    a: Canary,
    b: Canary,
}

impl World {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        install(Guest::Crossing, &folder.path().join("plugins"));
        let canary = |place: &str| Canary::of(place, &format!("c{}", uuid::Uuid::new_v4().simple()));
        let echo = Echo::start(&["a.test", "b.test"], "an-access-token");
        let server = serve(folder.path(), &echo).await;
        let (a, b) = (canary("the first secret"), canary("the second secret"));
        let operator = server.operator();
        Self { folder, server, operator, echo, seen: std::sync::Mutex::default(), a, b }
    }

    async fn restart(self) -> Self {
        let Self { folder, server, echo, seen, a, b, .. } = self;
        crate::crash::stop(server).await;
        let server = serve(folder.path(), &echo).await;
        let operator = server.operator();
        Self { folder, server, operator, echo, seen, a, b }
    }

    /// Puts another component in the place of the file.
    async fn replace(&self, guest: Guest) {
        let active = async || self.operator.get("/v1/plugins/crossing").await.expect(200)["digest"].clone();
        let before = active().await;
        let file: PathBuf = self.folder.path().join("plugins/crossing.wasm");
        std::fs::write(file, component(guest)).expect("a plugin file");
        let deadline = std::time::Instant::now() + std::time::Duration::from_mins(2);
        while active().await == before {
            assert!(std::time::Instant::now() < deadline, "the other file was not taken: {}", self.server.log());
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }

    fn body(&self, name: &str, mode: &str, way: &str, b: &str) -> Value {
        let data = json!({ "mode": mode, "way": way, "a": self.a.text(), "b": b });
        json!({ "type": "crossing", "name": name, "data": data })
    }

    async fn create(&self, mode: &str, way: &str) -> String {
        let name = account::unique(&format!("{mode}-{way}"));
        self.operator.post("credentials", self.body(&name, mode, way, self.b.text())).await.expect(201);
        name
    }

    async fn report(&self, name: &str) -> Value {
        let report = self.operator.post(&format!("credentials/{name}/probe"), json!({})).await.expect(200);
        report["details"].clone()
    }

    async fn probe(&self, name: &str) -> String {
        self.report(name).await["outcome"].as_str().expect("an outcome").to_owned()
    }

    /// How many requests came since the last look.
    fn requests(&self) -> usize {
        let new = self.echo.take();
        let mut seen = self.seen.lock().expect("no thread panicked");
        assert!(new.iter().all(|request| request.host == "b.test"), "{new:?}");
        seen.extend(new.iter().map(|request| request.without("")));
        new.len()
    }

    /// The newest refusal on the record.
    async fn last_denial(&self) -> Value {
        let events = self.operator.all("audit?limit=500").await;
        let denied = |event: &&Value| event["action"] == "http.send" && event["outcome"] == "denied";
        events.iter().find(denied).expect("a refusal on the record").clone()
    }

    /// The second host never saw the first secret.
    fn nothing_crossed(&self) {
        self.requests();
        for request in self.seen.lock().expect("no thread panicked").iter() {
            self.a.not_in("a request to the second host", request);
        }
    }
}

async fn serve(folder: &std::path::Path, echo: &Echo) -> Server {
    let server = Server::builder()
        .data_dir(&folder.join("data"))
        .plugins(&folder.join("plugins"))
        .env("BURSAR_PLUGINS__APPROVAL", "allow")
        .env("BURSAR_PLUGINS__CONNECT_OVERRIDES", echo.server().connect_overrides())
        .env("BURSAR_PLUGINS__EXTRA_ROOTS", echo.server().root())
        .start()
        .await;
    let plugin = server.operator().get("/v1/plugins/crossing").await.expect(200);
    assert_eq!(plugin["state"], "active", "{plugin}");
    server
}
