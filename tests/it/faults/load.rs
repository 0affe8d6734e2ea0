//! What clients do meanwhile, at whatever node, and what of it must be there at the
//! end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::history::{Deed, Histories};
use super::site::{NODES, Site};
use crate::support::samples::{basic, registry};
use crate::support::server::eventually;
use crate::support::{Account, Server};

/// A client that knows what it is to hear nothing.
pub(super) struct Caller(reqwest::Client);

impl Caller {
    pub(super) fn new(patience: Duration) -> Self {
        Self(reqwest::Client::builder().no_proxy().timeout(patience).build().expect("an HTTP client"))
    }

    /// Status and body, with the tag of an answer under `etag`; an error where there
    /// was no whole answer.
    pub(super) async fn call(
        &self,
        server: &Server,
        method: Method,
        path: &str,
        body: &Value,
        headers: &[(&str, &str)],
    ) -> Result<(u16, Value), reqwest::Error> {
        let mut request =
            self.0.request(method, format!("{}{path}", server.base())).bearer_auth(server.operator_token());
        if !body.is_null() {
            request = request.json(body);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        let tag = response.headers().get("etag").and_then(|tag| tag.to_str().ok()).map(str::to_owned);
        let mut told = serde_json::from_slice::<Value>(&response.bytes().await?).unwrap_or(Value::Null);
        if let (Some(told), Some(tag)) = (told.as_object_mut(), tag) {
            told.insert("etag".to_owned(), tag.into());
        }
        Ok((status, told))
    }
}

/// What is known of all that was asked.
#[derive(Default)]
pub(super) struct Told {
    histories: Histories,
    values: AtomicU64,
    answered: AtomicU64,
    unanswered: AtomicU64,
    /// Requests whose change was acknowledged: each is in the audit trail.
    acknowledged: Mutex<BTreeSet<String>>,
    /// What was made for good: id by name.
    made: Mutex<BTreeMap<String, String>>,
}

/// The clients at work.
pub(super) struct Load {
    told: Arc<Told>,
    stop: Arc<AtomicBool>,
    working: JoinSet<()>,
}

/// What clients work on for a while: then there is another one, so that no history
/// becomes too long to be judged.
#[derive(Clone)]
struct Stage {
    account: String,
    number: u64,
}

impl Load {
    pub(super) async fn start(site: &Arc<Site>, random: &mut StdRng) -> Self {
        let account = Account::on(&site.server(0)).await.name;
        let region = site.region().await;
        let client = site.client(0, &account);
        client.put(&format!("regions/{region}"), json!({})).await.expect(200);
        for number in 0..PUSHED {
            client.post("credentials", basic(&format!("pushed-{number}"))).await.expect(201);
        }
        let (told, stop) = (Arc::new(Told::default()), Arc::new(AtomicBool::new(false)));
        let mut working = JoinSet::new();
        for number in 0..WORKERS {
            let worker = Worker {
                site: Arc::clone(site),
                told: Arc::clone(&told),
                caller: Caller::new(PATIENCE),
                random: StdRng::seed_from_u64(random.random()),
                pushed: account.clone(),
                number,
                newest: None,
            };
            let stop = Arc::clone(&stop);
            working.spawn(async move {
                let mut worker = worker;
                let begun = std::time::Instant::now();
                while !stop.load(Ordering::Relaxed) {
                    let number = begun.elapsed().as_secs() / STAGE_SECONDS;
                    if let Some(stage) = worker.stage(number).await {
                        worker.step(&stage).await;
                    }
                }
            });
        }
        Self { told, stop, working }
    }

    pub(super) async fn end(self) -> Arc<Told> {
        self.stop.store(true, Ordering::Relaxed);
        self.working.join_all().await;
        self.told
    }
}

struct Worker {
    site: Arc<Site>,
    told: Arc<Told>,
    caller: Caller,
    random: StdRng,
    /// Whose credentials are pushed.
    pushed: String,
    number: usize,
    /// The newest stage that has its account.
    newest: Option<u64>,
}

/// How a request ended.
enum Outcome {
    Answered(u16, Value),
    /// It may have been done, now or later.
    Unknown,
}

impl Worker {
    /// The account of a stage, made by whoever comes first.
    async fn stage(&mut self, number: u64) -> Option<Stage> {
        let stage = Stage { account: format!("stage-{number}"), number };
        if self.newest != Some(number) {
            let body = json!({ "name": stage.account, "title": "" });
            match self.ask(Method::POST, "/v1/accounts", &body, None).await {
                Outcome::Answered(201 | 409, _) => self.newest = Some(number),
                _ => return None,
            }
        }
        Some(stage)
    }

    async fn step(&mut self, stage: &Stage) {
        let object = self.random.random_range(0..OBJECTS);
        match self.random.random_range(0..12) {
            0..3 => self.register(&format!("register-{}-{object}", stage.number), stage).await,
            3..6 => self.name(&format!("name-{}-{object}", stage.number), stage).await,
            6 => self.default(stage).await,
            7 => self.rotate().await,
            8 => self.for_good().await,
            _ => self.reveal().await,
        }
    }

    /// A title as a register: read, written, compared and set.
    async fn register(&mut self, name: &str, stage: &Stage) {
        let path = format!("/v1/accounts/{}/credentials/{name}", stage.account);
        let called = self.told.histories.now();
        let Outcome::Answered(status, found) = self.ask(Method::GET, &path, &Value::Null, None).await else { return };
        if status == 404 {
            // Somebody has to make it, with a title of zero; who is second is told so.
            let body = json!({ "title": "0", "type": "basic-auth", "name": name, "data": data() });
            self.ask(Method::POST, &format!("/v1/accounts/{}/credentials", stage.account), &body, None).await;
            return;
        }
        if status != 200 {
            return;
        }
        let seen = value_of(&found["title"]);
        self.told.histories.answered(name, called, Deed::Found(seen));
        let value = self.value();
        let body = json!({ "title": value.to_string() });
        let called = self.told.histories.now();
        let swap = self.random.random_bool(0.5);
        let tag = found["etag"].as_str().unwrap_or_default().to_owned();
        let condition = swap.then_some(("if-match", tag.as_str()));
        let deed = if swap { Deed::Swapped(seen, value) } else { Deed::Put(value) };
        match self.ask(Method::PATCH, &path, &body, condition).await {
            Outcome::Answered(200, _) => self.told.histories.answered(name, called, deed),
            Outcome::Answered(409 | 412, _) => {}
            Outcome::Answered(status, told) => assert!(status >= 500, "{status} {told}"),
            Outcome::Unknown => self.told.histories.unanswered(name, called, deed),
        }
    }

    /// A name: made, found, removed.
    async fn name(&mut self, name: &str, stage: &Stage) {
        let base = format!("/v1/accounts/{}/credentials", stage.account);
        let called = self.told.histories.now();
        if self.random.random_bool(0.4) {
            let value = self.value();
            let body = json!({ "title": value.to_string(), "type": "basic-auth", "name": name, "data": data() });
            match self.ask(Method::POST, &base, &body, None).await {
                Outcome::Answered(201, _) => self.told.histories.answered(name, called, Deed::Made(value)),
                Outcome::Answered(409, told) if told["errors"][0]["code"] == "taken" => {
                    self.told.histories.answered(name, called, Deed::Taken);
                }
                Outcome::Answered(..) => {}
                Outcome::Unknown => self.told.histories.unanswered(name, called, Deed::Made(value)),
            }
            return;
        }
        let found = match self.ask(Method::GET, &format!("{base}/{name}"), &Value::Null, None).await {
            Outcome::Answered(200, found) => found,
            Outcome::Answered(404, _) => return self.told.histories.answered(name, called, Deed::Found(0)),
            _ => return,
        };
        let value = value_of(&found["title"]);
        self.told.histories.answered(name, called, Deed::Found(value));
        if self.random.random_bool(0.5) {
            let path = format!("{base}/{}?purge=true", found["id"].as_str().unwrap_or_default());
            let called = self.told.histories.now();
            let deed = match self.ask(Method::DELETE, &path, &Value::Null, None).await {
                Outcome::Answered(204, _) => Deed::Removed(value),
                Outcome::Answered(404, _) => Deed::NotThere(value),
                Outcome::Answered(409, _) => return,
                _ => return self.told.histories.unanswered(name, called, Deed::RemovedPerhaps(value)),
            };
            self.told.histories.answered(name, called, deed);
        }
    }

    /// Which registry is the default: the first one, then those that are chosen.
    async fn default(&mut self, stage: &Stage) {
        let object = format!("default-{}", stage.number);
        let base = format!("/v1/accounts/{}/credentials", stage.account);
        let called = self.told.histories.now();
        let path = format!("{base}?type=container-registry&limit=500");
        let Outcome::Answered(200, found) = self.ask(Method::GET, &path, &Value::Null, None).await else { return };
        let items = found["items"].as_array().expect("a list");
        let defaults: Vec<_> = items.iter().filter(|item| item["default"] == true).collect();
        assert!(defaults.len() <= 1, "one default: {found}");
        let seen = defaults.first().map_or(0, |item| value_of(&item["title"]));
        self.told.histories.answered(&object, called, Deed::Found(seen));

        let value = self.value();
        let mut body = registry(&format!("registry-{value}"));
        body["title"] = json!(value.to_string());
        let called = self.told.histories.now();
        match (seen, self.ask(Method::POST, &base, &body, None).await) {
            (0, Outcome::Answered(201, _)) => {
                return self.told.histories.answered(&object, called, Deed::MadePerhaps(value));
            }
            (0, _) => return self.told.histories.unanswered(&object, called, Deed::MadePerhaps(value)),
            // Where there is a default, another one changes nothing.
            (_, Outcome::Answered(201, _)) => {}
            _ => return,
        }
        let called = self.told.histories.now();
        let path = format!("{base}/registry-{value}/set-default");
        match self.ask(Method::POST, &path, &json!({}), None).await {
            Outcome::Answered(200, _) => self.told.histories.answered(&object, called, Deed::Put(value)),
            Outcome::Answered(..) => {}
            Outcome::Unknown => self.told.histories.unanswered(&object, called, Deed::Put(value)),
        }
    }

    /// Made once, whatever happens on the way: the same request at one node after the
    /// other until there is an answer.
    async fn for_good(&mut self) {
        let name = format!("kept-{}-{}", self.number, self.value());
        let (key, body) = (Uuid::new_v4().to_string(), basic(&name));
        let path = "/v1/accounts/default/credentials";
        for _ in 0..20 {
            if let Outcome::Answered(201, made) =
                self.ask(Method::POST, path, &body, Some(("idempotency-key", &key))).await
            {
                let id = made["id"].as_str().expect("an id").to_owned();
                self.told.made.lock().expect("no client panicked").insert(name, id);
                return;
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    /// Another password for what is pushed.
    async fn rotate(&mut self) {
        let name = self.random.random_range(0..PUSHED);
        let body = json!({ "data": { "password": format!("p-{}", self.value()) } });
        self.ask(Method::PATCH, &format!("/v1/accounts/{}/credentials/pushed-{name}", self.pushed), &body, None).await;
    }

    async fn reveal(&mut self) {
        let path = "/v1/accounts/default/credentials/pulse/reveal";
        self.ask(Method::POST, path, &json!({}), None).await;
    }

    /// Asks whichever node. A 503 tells nothing of what was done.
    async fn ask(&mut self, method: Method, path: &str, body: &Value, header: Option<(&str, &str)>) -> Outcome {
        let server = self.site.server(self.random.random_range(0..NODES));
        let request_id = Uuid::new_v4().to_string();
        let mut headers = vec![("x-request-id", request_id.as_str())];
        headers.extend(header);
        // What changes nothing, or did so before, is not on record under this id.
        let is_recorded = method != Method::GET
            && !path.ends_with("set-default")
            && header.is_none_or(|(name, _)| name != "idempotency-key");
        match self.caller.call(&server, method, path, body, &headers).await {
            Ok((status, told)) if status < 500 => {
                self.told.answered.fetch_add(1, Ordering::Relaxed);
                if is_recorded && status < 300 {
                    self.told.acknowledged.lock().expect("no client panicked").insert(request_id);
                }
                Outcome::Answered(status, told)
            }
            _ => {
                self.told.unanswered.fetch_add(1, Ordering::Relaxed);
                // Whoever was refused at once would ask all the time.
                tokio::time::sleep(Duration::from_millis(20)).await;
                Outcome::Unknown
            }
        }
    }

    fn value(&self) -> u64 {
        self.told.values.fetch_add(1, Ordering::Relaxed) + 10
    }
}

impl Told {
    pub(super) fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    pub(super) fn unanswered(&self) -> u64 {
        self.unanswered.load(Ordering::Relaxed)
    }

    /// What was acknowledged is there, and on record.
    pub(super) async fn assert_nothing_is_lost(&self, site: &Site) {
        let listed = site.client(0, "default").all("credentials?limit=500").await;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let there: BTreeMap<String, String> =
            listed.iter().map(|item| (text(&item["name"]), text(&item["id"]))).collect();
        let made = self.made.lock().expect("no client panicked").clone();
        for (name, id) in &made {
            assert_eq!(there.get(name), Some(id), "{name} was acknowledged");
        }
        let trail = site.server(0).operator().all("/v1/audit?limit=500").await;
        let recorded: BTreeSet<String> = trail.iter().map(|record| text(&record["requestId"])).collect();
        let acknowledged = self.acknowledged.lock().expect("no client panicked").clone();
        let lost: Vec<_> = acknowledged.difference(&recorded).collect();
        assert!(lost.is_empty(), "acknowledged and not on record: {lost:?}");
        println!("{} made for good, {} acknowledged changes on record", made.len(), acknowledged.len());
        assert!(made.len() > 5 && acknowledged.len() > 100, "too little was done to mean anything");
    }

    pub(super) fn assert_is_linearizable(&self) {
        let unexplained = self.histories.unexplained();
        assert!(unexplained.is_empty(), "no order explains these: {}", unexplained.join("\n"));
        println!("{} histories, each explained by an order", self.histories.objects());
    }
}

/// The receiver got each change once, and has what it should.
pub(super) async fn assert_pushed_once(site: &Site) {
    let operator = site.server(0).operator();
    let in_place = async || {
        let accounts = operator.all("/v1/accounts?limit=500").await;
        for account in accounts {
            let path = format!("/v1/accounts/{}/credentials?limit=500", account["name"].as_str().expect("a name"));
            let shown = operator.all(&path).await;
            let rows = shown.iter().flat_map(|item| item["sync"].as_array().into_iter().flatten());
            if rows.into_iter().any(|row| row["state"] != "synced") {
                return false;
            }
        }
        true
    };
    assert!(eventually(Duration::from_mins(2), in_place).await, "not everything is in place");
    let counts = site.receiver.counts();
    println!("{counts:?}");
    assert_eq!((counts.unchanged, counts.altered, counts.bad_signatures, counts.malformed), (0, 0, 0, 0), "{counts:?}");
    assert!(counts.written > PUSHED, "{counts:?}");
}

fn data() -> Value {
    json!({ "username": "octo", "password": "s3cret" })
}

/// A title that is a number.
fn value_of(title: &Value) -> u64 {
    title.as_str().and_then(|title| title.parse().ok()).unwrap_or_else(|| panic!("{title} is no number"))
}

const WORKERS: usize = 8;
const OBJECTS: u32 = 3;
const PUSHED: usize = 6;
const STAGE_SECONDS: u64 = 6;
/// Longer than Bursar itself waits for a database.
const PATIENCE: Duration = Duration::from_secs(15);
