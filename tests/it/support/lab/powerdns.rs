//! A real `PowerDNS` from the Debian packages `pdns-server` and `pdns-backend-sqlite3`.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::super::Guarded;
use super::super::account::unique;
use super::super::guarded::arguments;
use super::super::server::{eventually, free_port};
use super::super::tools::{feed, locate, run, tool};

/// An authoritative server on loopback ports of its own, without any zone; it ends with this.
pub(crate) struct PowerDns {
    // It ends with this.
    _process: Guarded,
    dns_port: u16,
    api_port: u16,
    api_key: String,
}

impl PowerDns {
    /// Starts it and waits until its API answers.
    pub(crate) async fn start() -> Self {
        let mut last_output = String::new();
        // Between finding a free port and using it another process may take it.
        for _ in 0..5 {
            let folder = tempfile::tempdir().expect("a temporary folder").keep();
            let (dns_port, api_port, api_key) = (free_port(), free_port(), unique("key"));
            create_database(&folder);
            write_config(&folder, dns_port, api_port, &api_key);
            let line = arguments(&[format!("--config-dir={}", folder.display())]);
            let process = Guarded::spawn(&locate("pdns_server", "pdns-server"), &line, &[], &folder, "KILL");
            let answers =
                async || !process.is_running() || api(api_port, &api_key, Method::GET, "", None).await.is_some();
            if eventually(START_DEADLINE, answers).await && process.is_running() {
                return Self { _process: process, dns_port, api_port, api_key };
            }
            last_output = process.output();
        }
        panic!("PowerDNS does not start:\n{last_output}");
    }

    /// Where resolvers ask, over UDP and TCP on 127.0.0.1.
    pub(crate) fn dns_port(&self) -> u16 {
        self.dns_port
    }

    /// Its API: `http://127.0.0.1:PORT`.
    pub(crate) fn api_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.api_port)
    }

    pub(crate) fn api_key(&self) -> &str {
        &self.api_key
    }

    /// Makes a zone; its name is without the last dot.
    pub(crate) async fn create_zone(&self, name: &str) {
        let body = json!({ "name": format!("{name}."), "kind": "Native", "nameservers": ["ns1.lab.test."] });
        self.call(Method::POST, "/zones", Some(&body)).await;
    }

    /// Replaces the TXT values at a name in a zone, as another writer would. None takes the record set away.
    pub(crate) async fn set_txt(&self, zone: &str, name: &str, values: &[&str]) {
        let records: Vec<Value> =
            values.iter().map(|value| json!({ "content": format!("\"{value}\""), "disabled": false })).collect();
        let change = if values.is_empty() { "DELETE" } else { "REPLACE" };
        let set =
            json!({ "name": format!("{name}."), "type": "TXT", "ttl": 60, "changetype": change, "records": records });
        self.call(Method::PATCH, &format!("/zones/{zone}."), Some(&json!({ "rrsets": [set] }))).await;
    }

    /// Every record set of a zone but the SOA, whose serial counts the changes: what must be as before after a cleanup.
    pub(crate) async fn record_sets(&self, zone: &str) -> Vec<Value> {
        let zone = self.call(Method::GET, &format!("/zones/{zone}."), None).await;
        let mut sets: Vec<Value> = zone["rrsets"].as_array().expect("a zone has record sets").clone();
        sets.retain(|set| set["type"] != "SOA");
        sets.sort_by_key(|set| format!("{} {}", set["name"], set["type"]));
        sets
    }

    /// The TXT values that a resolver gets at a name, sorted; the strings of one value are joined.
    #[track_caller]
    pub(crate) fn txt(&self, name: &str) -> Vec<String> {
        let mut dig = tool("dig", "bind9-dnsutils");
        dig.args(["@127.0.0.1", "-p", &self.dns_port.to_string(), "+short", "+tries=3", "TXT", name]);
        let mut values: Vec<String> = run(&mut dig).output().lines().map(joined).collect();
        values.sort();
        values
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let answer = api(self.api_port, &self.api_key, method.clone(), path, body).await;
        answer.unwrap_or_else(|| panic!("PowerDNS refuses {method} {path}"))
    }
}

/// None where it does not answer, or refuses.
async fn api(port: u16, key: &str, method: Method, path: &str, body: Option<&Value>) -> Option<Value> {
    let mut request = super::script::plain_http()
        .request(method, format!("http://127.0.0.1:{port}/api/v1/servers/localhost{path}"))
        .header("X-API-Key", key);
    if let Some(body) = body {
        request = request.header("Content-Type", "application/json").body(body.to_string());
    }
    let response = request.send().await.ok().filter(|response| response.status().is_success())?;
    let text = response.text().await.ok()?;
    Some(serde_json::from_str(&text).unwrap_or(Value::Null))
}

fn create_database(folder: &Path) {
    let schema = std::fs::read_to_string(SCHEMA).unwrap_or_else(|error| {
        panic!("{SCHEMA}: {error}; install the Debian package `pdns-backend-sqlite3`");
    });
    feed(tool("sqlite3", "sqlite3").arg(folder.join("pdns.sqlite3")), &schema).output();
}

fn write_config(folder: &Path, dns_port: u16, api_port: u16, api_key: &str) {
    let folder_name = folder.display();
    let ours = format!(
        "gsqlite3-database={folder_name}/pdns.sqlite3\nsocket-dir={folder_name}\nlocal-port={dns_port}\n\
         webserver-port={api_port}\napi-key={api_key}\n"
    );
    std::fs::write(folder.join("pdns.conf"), format!("{CONFIG}{ours}")).expect("the configuration");
    // Other users have no business with the API key.
    run(Command::new("chmod").arg("700").arg(folder)).output();
}

/// The text of a TXT record as `dig` writes it: strings in quotes.
fn joined(line: &str) -> String {
    let mut text = String::new();
    let (mut inside, mut escaped) = (false, false);
    for letter in line.chars() {
        match letter {
            _ if escaped => {
                text.push(letter);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => inside = !inside,
            _ if inside => text.push(letter),
            _ => {}
        }
    }
    text
}

const SCHEMA: &str = "/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql";
/// Without caches, so that what is changed is seen at once, and without asking anybody whether it is up to date.
const CONFIG: &str = "\
launch=gsqlite3
gsqlite3-pragma-synchronous=0
local-address=127.0.0.1
webserver=yes
webserver-address=127.0.0.1
api=yes
cache-ttl=0
query-cache-ttl=0
negquery-cache-ttl=0
zone-cache-refresh-interval=0
security-poll-suffix=
daemon=no
guardian=no
";
const START_DEADLINE: Duration = Duration::from_mins(1);
