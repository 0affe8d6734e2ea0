//! The DNS providers that ship, from a stored credential to what a resolver
//! sees: against a real `PowerDNS`, and against `tests/lab` where no real server
//! can be had. The plugins use the real addresses.

mod conformance;
mod faults;
mod inactive;
mod side_by_side;

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::lab::{AcmeDns, Cloud, Fake, HttpReq, PowerDns};
use crate::support::openapi::assert_as_described;
use crate::support::{Client, Reply, Server};

/// A broker, the name server behind every provider, and the providers.
struct World {
    server: Server,
    powerdns: PowerDns,
    cloud: Cloud,
    httpreq: HttpReq,
    acme_dns: AcmeDns,
    answers: Arc<Mutex<Vec<Reply>>>,
}

/// A provider with credentials that work.
struct Provider {
    /// Of its credential in the account.
    name: &'static str,
    type_id: &'static str,
    data: Value,
}

impl World {
    async fn start() -> Self {
        let powerdns = PowerDns::start().await;
        powerdns.create_zone("pdns.test").await;
        powerdns.create_zone("sub.pdns.test").await;
        let (cloud, httpreq, acme_dns) =
            tokio::join!(Cloud::start(&powerdns), HttpReq::start(&powerdns), AcmeDns::start(&powerdns));
        let overrides = [&*cloud, &*httpreq, &*acme_dns].into_iter().flat_map(Fake::connect_overrides);
        let overrides: Vec<String> = overrides.map(|(from, to)| format!("\"{from}\" = \"{to}\"")).collect();
        let roots = [&*cloud, &*httpreq, &*acme_dns].map(|fake| fake.root_pem_path().display().to_string());
        let at = powerdns.api_url().replace("http://", "");
        let server = Server::builder()
            .env("BURSAR_PLUGINS__CONNECT_OVERRIDES", format!("{{ {} }}", overrides.join(", ")))
            .env("BURSAR_PLUGINS__EXTRA_ROOTS", roots.join(","))
            // A plain server in a private network has to be granted, twice over.
            .env("BURSAR_PLUGINS__GRANTED_ADDRESSES", format!("{{ dns-powerdns = [\"{at}\"] }}"))
            .env("BURSAR_PLUGINS__GRANTED_PLAIN_HTTP", format!("{{ dns-powerdns = [\"{at}\"] }}"))
            .env("BURSAR_LOG__LEVEL", "debug")
            .start()
            .await;
        Self { server, powerdns, cloud, httpreq, acme_dns, answers: Arc::default() }
    }

    /// A client of an account of its own, where every provider is stored.
    async fn account(&self, providers: &[Provider]) -> Client {
        let name = crate::support::account::unique("dns");
        let operator = self.server.operator();
        operator.post("/v1/accounts", json!({ "name": name, "title": name })).await.expect(201);
        let client = operator.within(&name).recording(&self.answers);
        for Provider { name, type_id, data } in providers {
            let body = json!({ "type": type_id, "name": name, "data": data });
            let made = client.post("credentials", body).await.expect(201);
            assert_eq!(made["category"], "dns-provider");
        }
        client
    }

    /// The four clouds, Route 53 also through a role.
    fn clouds(&self) -> Vec<Provider> {
        let of = |service| self.cloud.credentials(service);
        let (cloudflare, aws, azure, google) = (of("cloudflare"), of("route53"), of("azure"), of("google"));
        vec![
            Provider {
                name: "cloudflare",
                type_id: "dns-cloudflare",
                data: json!({ "apiToken": cloudflare["api_token"] }),
            },
            Provider {
                name: "cloudflare-key",
                type_id: "dns-cloudflare",
                data: json!({ "email": cloudflare["email"], "apiKey": cloudflare["api_key"] }),
            },
            Provider {
                name: "route53",
                type_id: "dns-route53",
                data: json!({
                    "accessKeyID": aws["access_key_id"], "secretAccessKey": aws["secret_access_key"],
                }),
            },
            Provider {
                name: "route53-role",
                type_id: "dns-route53",
                data: json!({
                    "accessKeyID": aws["role_only_access_key_id"],
                    "secretAccessKey": aws["role_only_secret_access_key"],
                    "role": aws["role_arn"], "externalID": aws["external_id"],
                }),
            },
            Provider {
                name: "azure",
                type_id: "dns-azure",
                data: json!({
                    "subscriptionID": azure["subscription_id"], "resourceGroupName": azure["resource_group"],
                    "tenantID": azure["tenant_id"], "clientID": azure["client_id"],
                    "clientSecret": azure["client_secret"],
                }),
            },
            Provider {
                name: "google",
                type_id: "dns-gcp",
                data: json!({ "project": google["project"], "serviceAccount": google["key_file"].to_string() }),
            },
        ]
    }

    /// A real `PowerDNS`, and receivers of lego's httpreq.
    fn servers(&self) -> Vec<Provider> {
        let hook = self.httpreq.credentials("httpreq");
        let endpoint = |what: &str| format!("https://hooks.example.test/{what}");
        vec![
            Provider {
                name: "powerdns",
                type_id: "dns-powerdns",
                data: json!({ "url": self.powerdns.api_url(), "apiKey": self.powerdns.api_key() }),
            },
            Provider {
                name: "webhook-basic",
                type_id: "dns-webhook",
                data: json!({
                    "endpoint": endpoint("basic"), "username": hook["username"], "password": hook["password"],
                }),
            },
            Provider {
                name: "webhook-signed",
                type_id: "dns-webhook",
                data: json!({
                    "endpoint": endpoint("bearer+signed"), "authentication": "bearer", "bearerToken": hook["token"],
                    "signature": "hmac", "hmacSecret": hook["hmac_key"],
                }),
            },
        ]
    }

    /// Every answer was as described, nothing was asked that the vendors' own clients would not ask, and no
    /// secret is in the log, the audit trail or what providers show of it.
    async fn all_was_in_order(&self, client: &Client, providers: &[Provider]) {
        for fake in [&*self.cloud, &*self.httpreq, &*self.acme_dns] {
            assert_eq!(fake.violations().await, Vec::<Value>::new());
        }
        let answers = std::mem::take(&mut *self.answers.lock().expect("no thread panicked"));
        assert_as_described(&self.server.anonymous(), &answers).await;
        let told = [
            ("the log", self.server.log()),
            ("the audit trail", Value::Array(client.all("audit?limit=500").await).to_string()),
            ("the list", Value::Array(client.all("credentials?limit=500").await).to_string()),
        ];
        for provider in providers {
            let shown = client.get(&format!("credentials/{}", provider.name)).await.expect(200);
            for pointer in shown["secretFields"].as_array().expect("a list") {
                let secret = provider.data.pointer(pointer.as_str().expect("a pointer")).expect("a secret");
                // A line of a key file is as telling as all of it.
                let secret = secret.as_str().expect("a text");
                let line = secret.split(['\\', '"']).max_by_key(|part| part.len()).unwrap_or(secret);
                for (where_, text) in &told {
                    assert!(!text.contains(line), "{}: {pointer} is in {where_}", provider.name);
                }
            }
        }
    }
}

async fn present(client: &Client, credential: &str, fqdn: &str, value: &str) -> Reply {
    client.post(&format!("credentials/{credential}/dns/present"), json!({ "fqdn": fqdn, "value": value })).await
}

async fn cleanup(client: &Client, credential: &str, fqdn: &str, value: &str) -> Reply {
    client.post(&format!("credentials/{credential}/dns/cleanup"), json!({ "fqdn": fqdn, "value": value })).await
}
