//! The rows of the table.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::broker::{Process, operator_token};
use crate::client::Connection;
use crate::measure::{AsyncSend, Target, count, micros};
use crate::table::Table;

/// How much of everything.
pub(crate) struct Scale {
    reads: usize,
    writes_alone: usize,
    writes: usize,
    small: usize,
    large: usize,
    trapped_calls: usize,
}

impl Scale {
    pub(crate) fn full() -> Self {
        Self { reads: 40_000, writes_alone: 2_000, writes: 20_000, small: 1_000, large: 100_000, trapped_calls: 10_000 }
    }

    /// To see that everything runs.
    pub(crate) fn quick() -> Self {
        Self { reads: 400, writes_alone: 50, writes: 640, small: 100, large: 1_000, trapped_calls: 200 }
    }

    /// Of the plugin that traps.
    pub(crate) fn trapped_calls(&self) -> usize {
        self.trapped_calls
    }
}

/// What criterion measured before this program ran.
pub(crate) fn plugin_call(table: &mut Table) {
    let [native, sandbox, network] = ["native", "sandbox", "network"].map(|name| {
        let target = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").join("target");
        let file = target.join("criterion/plugin_call").join(name).join("new/estimates.json");
        let text =
            fs::read_to_string(&file).unwrap_or_else(|_| panic!("run the bench plugin_call first: {}", file.display()));
        let estimates: Value = serde_json::from_str(&text).expect("criterion's JSON");
        estimates["median"]["point_estimate"].as_f64().expect("nanoseconds") / 1e3
    });
    let what = "pure plugin call: fresh instance, `inspect` of 500 bytes";
    table.compare(what, format!("{sandbox:.1} µs"), format!("{native:.1} µs natively"), sandbox / native);
    let what = "network-plane call without the network: `present`, one request with a secret";
    table.compare(what, format!("{network:.1} µs"), format!("{sandbox:.1} µs pure call"), network / sandbox);
}

/// Everything that goes over HTTP.
pub(crate) async fn over_http(table: &mut Table, scale: &Scale) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data_dir = folder.path().join("data");
    starts(table, &data_dir).await;

    let broker = Process::broker(&data_dir).await;
    let target = Target { address: broker.address.clone(), token: Some(operator_token(&data_dir)) };
    reads(table, &target, scale).await;
    creates(table, &target, scale).await;
    reveals(table, &target, scale).await;
    growth(table, &target, scale).await;
    let rss = mebibytes(broker.resident_kib());
    table.report(&format!("resident memory after all of this, {} credentials stored", scale.large), rss);
    broker.stop();
}

async fn starts(table: &mut Table, data_dir: &Path) {
    let first = Process::broker(data_dir).await;
    let cold = first.start;
    first.stop();
    let second = Process::broker(data_dir).await;
    let warm = second.start;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let rss = second.resident_kib();
    second.stop();
    table.report("start to ready, precompiled plugins", format!("{} ms", warm.as_millis()));
    table.report("first start to ready: compiles the plugins, makes keys", format!("{} ms", cold.as_millis()));
    table.report("resident memory, idle", mebibytes(rss));
}

async fn reads(table: &mut Table, target: &Target, scale: &Scale) {
    let made = target.connect().await.post(CREDENTIALS, &credential("read")).await.expect("an answer").expect(201);
    let path = format!("{CREDENTIALS}/{}", made["id"].as_str().expect("an id"));
    let hello = Process::hello_world().await;
    let plain = Target { address: hello.address.clone(), token: None };
    for connections in [1, 32] {
        // The first run of each warms up.
        let mut runs = Vec::new();
        for total in [scale.reads / 10, scale.reads] {
            let theirs = plain.run(connections, total, Get { path: "/".to_owned() }).await;
            let ours = target.run(connections, total, Get { path: path.clone() }).await;
            runs.push((ours, theirs));
        }
        let (ours, theirs) = runs.pop().expect("two runs");
        if connections == 1 {
            let what = "authenticated GET of a credential, one client, p50";
            let (ours, theirs) = (micros(ours.p50()), micros(theirs.p50()));
            table.compare(what, format!("{ours:.0} µs"), format!("{theirs:.0} µs axum hello-world"), ours / theirs);
        } else {
            let what = format!("the same, {connections} clients");
            let (ours, theirs) = (ours.per_second(), theirs.per_second());
            table.compare(&what, format!("{ours:.0}/s"), format!("{theirs:.0}/s axum hello-world"), ours / theirs);
        }
    }
}

async fn creates(table: &mut Table, target: &Target, scale: &Scale) {
    target.run(8, scale.writes_alone / 10, Create { account: "default", prefix: "warm" }).await;
    let alone = target.run(1, scale.writes_alone, Create { account: "default", prefix: "alone" }).await;
    table.report("durable creates, one client", format!("{:.0}/s", alone.per_second()));
    let before = commits(target).await;
    let together = target.run(64, scale.writes, Create { account: "default", prefix: "together" }).await;
    let made = commits(target).await - before;
    let (alone, together) = (alone.per_second(), together.per_second());
    let what = "durable creates, 64 clients";
    table.compare(what, format!("{together:.0}/s"), format!("{alone:.0}/s with one client"), together / alone);
    let per_commit = count(scale.writes) / made;
    table.report("creates per durable commit, 64 clients (wanted: 8 or more)", format!("{per_commit:.1}"));
}

async fn reveals(table: &mut Table, target: &Target, scale: &Scale) {
    let before = commits(target).await;
    let path = format!("{CREDENTIALS}/read/reveal");
    let outcome = target.run(64, scale.writes, Post { path, status: 200 }).await;
    let per_commit = count(scale.writes) / (commits(target).await - before);
    let figure = format!("{:.0}/s, {per_commit:.1} per commit", outcome.per_second());
    table.report("reveal with durable audit record, 64 clients", figure);
}

/// A hundred times the credentials, and what looking one up costs.
async fn growth(table: &mut Table, target: &Target, scale: &Scale) {
    for (account, size) in [("small", scale.small), ("large", scale.large)] {
        let body = json!({ "name": account, "title": account });
        target.connect().await.post("/v1/accounts", &body).await.expect("an answer").expect(201);
        target.run(64, size, Create { account, prefix: "c" }).await;
    }
    let mut by_id = Vec::new();
    for account in ["small", "large"] {
        by_id.push(ids(target, account).await);
    }
    let lookups: [(&str, Lookup); 3] = [
        ("list page of 50", Box::new(|account, _, _| format!("/v1/accounts/{account}/credentials?limit=50"))),
        ("get by name", Box::new(|account, size, _| format!("/v1/accounts/{account}/credentials/c-{}", size / 2))),
        ("get by id", Box::new(|account, _, ids| format!("/v1/accounts/{account}/credentials/{}", ids[ids.len() / 2]))),
    ];
    for (what, path) in lookups {
        let mut p50 = Vec::new();
        for (n, (account, size)) in [("small", scale.small), ("large", scale.large)].into_iter().enumerate() {
            let path = path(account, size, &by_id[n]);
            target.run(1, scale.reads / 100, Get { path: path.clone() }).await;
            p50.push(micros(target.run(1, scale.reads / 20, Get { path }).await.p50()));
        }
        let what = format!("{what}, {} credentials in the account, p50", scale.large);
        let against = format!("{:.0} µs with {}", p50[0], scale.small);
        table.compare(&what, format!("{:.0} µs", p50[1]), against, p50[1] / p50[0]);
    }
}

/// Ids of the account's first credentials.
async fn ids(target: &Target, account: &str) -> Vec<String> {
    let path = format!("/v1/accounts/{account}/credentials?limit=500");
    let page = target.connect().await.get(&path).await.expect("an answer").expect(200);
    let items = page["items"].as_array().expect("a list");
    items.iter().map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
}

/// Durable commits so far.
async fn commits(target: &Target) -> f64 {
    let answer = target.connect().await.get("/metrics").await.expect("an answer");
    assert_eq!(answer.status, 200);
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix("bursar_store_commits_total "));
    line.expect("the metric").trim().parse().expect("a number")
}

/// The same GET over and over.
pub(crate) struct Get {
    pub(crate) path: String,
}

impl AsyncSend for Get {
    async fn send(&self, connection: &mut Connection, _: usize) {
        let answer = connection.get(&self.path).await.expect("an answer");
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    }
}

struct Post {
    path: String,
    status: u16,
}

impl AsyncSend for Post {
    async fn send(&self, connection: &mut Connection, _: usize) {
        connection.post(&self.path, &json!({})).await.expect("an answer").expect(self.status);
    }
}

struct Create {
    account: &'static str,
    prefix: &'static str,
}

impl AsyncSend for Create {
    async fn send(&self, connection: &mut Connection, number: usize) {
        let path = format!("/v1/accounts/{}/credentials", self.account);
        let body = credential(&format!("{}-{number}", self.prefix));
        let answer = connection.post(&path, &body).await.expect("an answer");
        assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
    }
}

/// A user of HTTP Basic authentication.
pub(crate) fn credential(name: &str) -> Value {
    json!({ "type": "basic-auth", "name": name, "data": { "username": "octo", "password": "correct horse battery" } })
}

pub(crate) fn mebibytes(kib: u64) -> String {
    format!("{} MiB", kib / 1024)
}

/// The path of one lookup, in an account of so many with these ids.
type Lookup = Box<dyn Fn(&str, usize, &[String]) -> String>;

const CREDENTIALS: &str = "/v1/accounts/default/credentials";
