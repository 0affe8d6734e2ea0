//! An account that uses regions, and what should be in them.

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};

use super::site::{Artifacts, Contents, Site};
use crate::support::account::unique;
use crate::support::reply::text;
use crate::support::server::{Builder, eventually};
use crate::support::{Account, Client, Server};

/// A broker with an account; its `client` may do everything there.
pub(super) struct World {
    pub(super) server: Server,
    pub(super) account: String,
    pub(super) client: Client,
}

/// A region, and what it leads to.
#[derive(Clone)]
pub(super) struct Region {
    pub(super) name: String,
    pub(super) site: Arc<dyn Site>,
}

/// A broker that walks everything each second.
pub(super) fn broker() -> Builder {
    Server::builder().env("BURSAR_SYNC__INTERVAL_SECONDS", "1")
}

impl World {
    pub(super) async fn start() -> Self {
        Self::on(broker().start().await).await
    }

    pub(super) async fn on(server: Server) -> Self {
        let account = Account::on(&server).await;
        Self { account: account.name, client: account.operator, server }
    }

    /// The same after a restart.
    pub(super) fn again(&self, server: Server) -> Self {
        let client = server.operator().within(&self.account);
        Self { account: self.account.clone(), client, server }
    }

    /// A new region that leads there; `more` is what is special about it.
    pub(super) async fn region(&self, site: &Arc<impl Site + 'static>, more: Value) -> Region {
        let mut body = json!({ "name": unique("r"), "target": site.target(), "settings": site.settings() });
        if let Value::Object(more) = more {
            body.as_object_mut().expect("an object").extend(more);
        }
        let made = self.client.post("/v1/regions", body).await.expect(201);
        Region { name: text(&made["name"]).to_owned(), site: Arc::clone(site) as Arc<dyn Site> }
    }

    /// The same, in use by the account.
    pub(super) async fn attached(&self, site: &Arc<impl Site + 'static>) -> Region {
        let region = self.region(site, json!({})).await;
        self.attach(&region).await;
        region
    }

    pub(super) async fn attach(&self, region: &Region) {
        self.client.put(&region.path(), json!({ "formats": formats() })).await.expect(200);
    }

    /// Creates so many credentials, most of them users of HTTP Basic authentication.
    pub(super) async fn create(&self, count: usize) {
        let made = stream::iter(0..count).map(|number| async move {
            let name = format!("c-{number}");
            let body = match number % 10 {
                9 => crate::support::samples::registry(&name),
                8 => crate::support::samples::tls(&name),
                _ => basic(&name, &format!("p-{number}-end")),
            };
            self.client.post("credentials", body).await.expect(201);
        });
        made.buffer_unordered(CLIENTS).collect::<Vec<()>>().await;
    }

    /// Creates one of HTTP Basic authentication.
    pub(super) async fn basic(&self, name: &str, password: &str) -> Value {
        self.client.post("credentials", basic(name, password)).await.expect(201)
    }

    pub(super) async fn rotate(&self, name: &str, password: &str) {
        let patch = json!({ "data": { "password": password } });
        self.client.patch(&format!("credentials/{name}"), patch).await.expect(200);
    }

    pub(super) async fn rename(&self, name: &str, to: &str) {
        self.client.patch(&format!("credentials/{name}"), json!({ "name": to })).await.expect(200);
    }

    /// What every region should hold: each live credential, materialized.
    pub(super) async fn wanted(&self) -> Contents {
        let live = self.client.all("credentials?limit=500").await;
        let of_each = stream::iter(live).map(|item| async move {
            let format = FORMATS.iter().find(|(type_id, _)| item["type"] == *type_id).expect("a type with a format").1;
            let path = format!("credentials/{}/materialize", text(&item["id"]));
            let made = self.client.post(&path, json!({ "format": format })).await.expect(200);
            Ok::<_, std::convert::Infallible>((text(&item["name"]).to_owned(), artifacts(&made)))
        });
        of_each.buffer_unordered(CLIENTS).try_collect().await.expect("infallible")
    }

    /// Waits until the regions hold exactly what they should, and say so.
    pub(super) async fn until_in_place(&self, regions: &[Region]) {
        self.until_in_place_within(PATIENCE, regions).await;
    }

    pub(super) async fn until_in_place_within(&self, patience: Duration, regions: &[Region]) {
        let wanted = self.wanted().await;
        let begun = Instant::now();
        loop {
            let difference = self.difference(regions, &wanted).await;
            if difference.is_empty() {
                return;
            }
            assert!(begun.elapsed() < patience, "{}\n{}", difference.join("\n"), self.server.log());
            tokio::time::sleep(POLL).await;
        }
    }

    /// What is not as wanted, in words.
    async fn difference(&self, regions: &[Region], wanted: &Contents) -> Vec<String> {
        let mut all = Vec::new();
        for region in regions {
            let counts = self.counts(region).await;
            if counts["synced"] != wanted.len() {
                all.push(format!("{}: {counts}, wanted are {}", region.name, wanted.len()));
            }
        }
        // Reading everything is worth it only once all is said to be well.
        if all.is_empty() {
            for region in regions {
                let held = region.site.held(&self.account).await;
                all.extend(compare(&held, wanted).map(|what| format!("{}: {what}", region.name)));
            }
        }
        all
    }

    /// How many credentials stand how in a region.
    pub(super) async fn counts(&self, region: &Region) -> Value {
        self.client.get(&region.path()).await.expect(200)["sync"].take()
    }

    /// How a credential stands in a region.
    pub(super) async fn row(&self, name: &str, region: &Region) -> Value {
        let shown = self.client.get(&format!("credentials/{name}")).await.expect(200);
        row_of(&shown, region)
    }

    /// Waits until a credential stands so in a region.
    pub(super) async fn until_state(&self, name: &str, region: &Region, state: &str) -> Value {
        let mut row = Value::Null;
        let reached = eventually(PATIENCE, async || {
            row = self.row(name, region).await;
            row["state"] == state
        });
        assert!(reached.await, "{name} is to be {state} in {}: {row}\n{}", region.name, self.server.log());
        row
    }

    /// Starts a work in a region, such as `ensure`, and answers its status and result.
    pub(super) async fn work(&self, region: &Region, work: &str) -> (u16, Value) {
        let reply = self.client.act(&format!("{}/{work}", region.path())).await;
        (reply.status, reply.body)
    }

    /// An operator's act on the region itself: `pause`, `resume`, `drain`.
    pub(super) async fn order(&self, region: &Region, what: &str) {
        self.client.act(&format!("/v1/regions/{}/{what}", region.name)).await.expect(200);
    }
}

impl Region {
    /// Of the account's use of it.
    pub(super) fn path(&self) -> String {
        format!("regions/{}", self.name)
    }
}

/// The row of a region in a credential.
#[track_caller]
pub(super) fn row_of(shown: &Value, region: &Region) -> Value {
    let rows = shown["sync"].as_array().expect("a list");
    rows.iter().find(|row| row["region"] == region.name.as_str()).cloned().unwrap_or_default()
}

pub(super) fn basic(name: &str, password: &str) -> Value {
    json!({ "type": "basic-auth", "name": name, "data": { "username": "octo", "password": password } })
}

/// The artifacts of `basic` in every region of these tests.
pub(super) fn login(password: &str) -> Artifacts {
    [("username", "octo"), ("password", password)]
        .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
        .into()
}

/// Ends a broker as a power cut would, and waits until it is gone.
pub(super) async fn kill(server: &Server) {
    let status = Command::new("kill").args(["-s", "KILL", &server.pid().to_string()]).status().expect("kill runs");
    assert!(status.success(), "{}", server.log());
    until("it is gone", async || !server.is_running()).await;
}

/// Waits until something holds.
pub(super) async fn until(what: &str, holds: impl AsyncFnMut() -> bool) {
    assert!(eventually(PATIENCE, holds).await, "{what}");
}

fn formats() -> Value {
    FORMATS.iter().map(|(type_id, format)| ((*type_id).to_owned(), json!([format]))).collect()
}

fn artifacts(materialized: &Value) -> Artifacts {
    let list = materialized["artifacts"].as_array().expect("artifacts").iter();
    list.map(|artifact| {
        assert_eq!(artifact["encoding"], "utf-8");
        (text(&artifact["name"]).to_owned(), text(&artifact["content"]).as_bytes().to_vec())
    })
    .collect()
}

/// Names the differences and shows no content.
fn compare<'a>(held: &'a Contents, wanted: &'a Contents) -> impl Iterator<Item = String> + 'a {
    let missing = wanted.keys().filter(|name| !held.contains_key(*name)).map(|name| format!("{name} is missing"));
    let more = held.keys().filter(|name| !wanted.contains_key(*name)).map(|name| format!("{name} is too many"));
    let other = held.iter().filter(|(name, files)| wanted.get(*name).is_some_and(|wanted| wanted != *files));
    missing.chain(more).chain(other.map(|(name, _)| format!("{name} is another")))
}

/// What each type is put in, in every region alike.
const FORMATS: [(&str, &str); 3] =
    [("basic-auth", "login"), ("container-registry", "docker/config.json"), ("tls-certificate", "pem")];
const CLIENTS: usize = 8;
/// Generous: other tests run beside this, and failures are tried again after up to half a minute.
const PATIENCE: Duration = Duration::from_secs(75);
const POLL: Duration = Duration::from_millis(100);
