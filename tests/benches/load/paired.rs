//! Two builds of the broker side by side: what hands a secret out, by a few and
//! by many clients, in turns, so that whatever else the machine does hits both.

use std::path::Path;

use serde_json::{Value, json};

use crate::broker::{Process, operator_token};
use crate::client::Connection;
use crate::measure::{AsyncSend, Target, micros};
use crate::rows::credential;
use crate::table::Table;

/// This build against the one at `other`.
pub(crate) async fn rows(table: &mut Table, other: &Path) {
    let folders = [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")];
    let dirs = folders.each_ref().map(|folder| folder.path().join("data"));
    let ours = Process::broker(&dirs[0]).await;
    let theirs = Process::broker_of(other, &dirs[1]).await;
    let targets = [(&ours, &dirs[0]), (&theirs, &dirs[1])]
        .map(|(broker, dir)| Target { address: broker.address.clone(), token: Some(operator_token(dir)) });
    for target in &targets {
        let body = credential("paired");
        target.connect().await.post(CREDENTIALS, &body).await.expect("an answer").expect(201);
    }
    for (what, action, body) in
        [("reveal", "reveal", json!({})), ("materialize `login`", "materialize", json!({ "format": "login" }))]
    {
        for clients in [1, 2, 8, 64] {
            let mut p50 = [Vec::new(), Vec::new()];
            let mut rate = [Vec::new(), Vec::new()];
            for round in 0..=ROUNDS {
                for (side, target) in targets.iter().enumerate() {
                    let send = Action { path: format!("{CREDENTIALS}/paired/{action}"), body: body.clone() };
                    let outcome = target.run(clients, REQUESTS, send).await;
                    // The first round warms up.
                    if round > 0 {
                        p50[side].push(outcome.p50());
                        rate[side].push(outcome.per_second());
                    }
                }
            }
            let [ours, theirs] = p50.map(|p50| micros(median(p50)));
            let [our_rate, their_rate] = rate.map(median);
            let clients = if clients == 1 { "one client".to_owned() } else { format!("{clients} clients") };
            table.compare(
                &format!("{what}, {clients}, p50"),
                format!("{ours:.0} µs, {our_rate:.0}/s"),
                format!("{theirs:.0} µs, {their_rate:.0}/s"),
                ours / theirs,
            );
        }
    }
    ours.stop();
    theirs.stop();
}

struct Action {
    path: String,
    body: Value,
}

impl AsyncSend for Action {
    async fn send(&self, connection: &mut Connection, _: usize) {
        connection.post(&self.path, &self.body).await.expect("an answer").expect(200);
    }
}

fn median<T: PartialOrd + Copy>(mut values: Vec<T>) -> T {
    values.sort_by(|one, other| one.partial_cmp(other).expect("numbers"));
    values[values.len() / 2]
}

const CREDENTIALS: &str = "/v1/accounts/default/credentials";
const ROUNDS: usize = 5;
const REQUESTS: usize = 3_000;
