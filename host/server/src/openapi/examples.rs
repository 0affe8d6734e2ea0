//! One example of each schema, shown in the OpenAPI document with each body of that
//! schema.

use serde_json::{Value, json};

/// The example of the answer to work that is not complete.
pub(crate) fn incomplete(schema: &str) -> Option<Value> {
    let region = json!({
        "region": "eu", "ready": false, "synced": 11,
        "failed": [{
            "credential": "orders-db", "id": CREDENTIAL,
            "error": "in the way: there is something at shop/orders-db that Bursar did not put there"
        }]
    });
    match schema {
        "EnsuredRegion" => Some(region),
        "Ready" => Some(json!({
            "status": "notReady",
            "checks": [{ "name": "storage", "ok": false, "detail": "storage cannot be written: its disk is full" }],
            "nodes": []
        })),
        "SyncedAccount" => Some(json!({ "ready": false, "regions": [region] })),
        _ => None,
    }
}

/// The example of a schema by its name in the document; pages hold one item.
pub(crate) fn of(schema: &str) -> Option<Value> {
    if let Some(item) = schema.strip_prefix("Page_") {
        return of(item).map(|item| json!({ "items": [item], "nextCursor": null }));
    }
    Some(match schema {
        "Account" => json!({
            "id": ACCOUNT, "name": "default", "title": "Default", "createdAt": EARLIER, "updatedAt": LATER
        }),
        "CreateAccount" => json!({ "name": "shop", "title": "The shop" }),
        "PatchAccount" => json!({ "title": "The web shop" }),
        "Member" => {
            json!({
                "principal": "alice", "role": "member", "bindable": { "credentials": [CREDENTIAL], "labels": {} },
                "createdAt": EARLIER, "updatedAt": LATER
            })
        }
        "PutMember" => json!({ "role": "member", "bindable": { "credentials": [], "labels": { "team": "web" } } }),
        "Bindable" => json!({ "credentials": [CREDENTIAL], "labels": {} }),
        "Token" => token(),
        "NewToken" => {
            let mut token = token();
            token["lastUsedAt"] = Value::Null;
            token["token"] = json!("brs_workload_<49 letters and digits>");
            token
        }
        "CreateToken" => json!({
            "name": "deployer", "role": "workload", "expiresAt": "2027-06-30T00:00:00Z",
            "scope": { "credentials": [], "labels": { "team": "web" }, "regions": [], "consumers": ["app:shop"] }
        }),
        "CreateOperatorToken" => json!({ "name": "backup-job", "expiresAt": "2027-06-30T00:00:00Z" }),
        "Me" => json!({
            "kind": "user", "name": "alice-laptop", "principal": "alice", "operator": false, "expiresAt": null,
            "accounts": [{ "id": ACCOUNT, "name": "default", "title": "Default", "role": "credentials-manager" }]
        }),
        "CreateCredential" => json!({
            "type": "database-login", "name": "orders-db", "title": "Orders database", "labels": { "team": "web" },
            "data": { "host": "db.example.com", "username": "orders", "password": "correct horse battery staple" }
        }),
        "PatchCredential" => json!({
            "title": "Orders database, primary", "labels": { "team": null, "tier": "gold" },
            "data": { "password": "a better one" }
        }),
        "Credential" | "CredentialItem" => credential(),
        "CredentialRow" => json!({
            "id": CREDENTIAL, "account": "default", "type": "database-login", "category": "database",
            "name": "orders-db", "title": "Orders database", "default": false, "status": "valid",
            "names": ["db.example.com"], "bindable": true, "version": 2, "createdAt": EARLIER, "updatedAt": LATER, "deletedAt": null
        }),
        "CredentialVersion" => json!({
            "version": 2, "createdAt": LATER, "actor": "user:alice", "action": "update", "changed": ["/password"],
            "plugin": made_by(), "current": true
        }),
        "Reveal" => json!({ "fields": ["/password"] }),
        "Revealed" => json!({ "data": { "password": "correct horse battery staple" }, "version": 2 }),
        "Materialize" => json!({ "format": "env" }),
        "Materialized" => json!({
            "format": "env", "version": 2,
            "artifacts": [{
                "name": ".env", "mediaType": "text/plain", "encoding": "utf-8",
                "content": "USERNAME='orders'\nPASSWORD='correct horse battery staple'\n", "sensitive": true
            }]
        }),
        "Binding" => json!({
            "consumer": "app:shop", "slot": "database", "by": "user:alice", "createdAt": EARLIER, "updatedAt": LATER,
            "credential": { "id": CREDENTIAL, "name": "orders-db", "type": "database-login", "deletedAt": null }
        }),
        "PutBinding" => json!({ "credential": "orders-db" }),
        "Resolve" => json!({ "consumer": "app:shop", "slot": "database", "format": "env" }),
        "ResolveImage" => json!({ "image": "registry.example.com/shop/web:1", "format": "env" }),
        "Resolved" => json!({
            "credential": { "id": CREDENTIAL, "name": "orders-db", "type": "database-login", "version": 2 },
            "source": "binding", "format": "env",
            "artifacts": [{
                "name": ".env", "mediaType": "text/plain", "encoding": "utf-8",
                "content": "USERNAME='orders'\nPASSWORD='correct horse battery staple'\n", "sensitive": true
            }]
        }),
        "CredentialUsage" => json!({
            "bindings": [{
                "consumer": "app:shop", "slot": "database",
                "url": format!("/v1/accounts/{ACCOUNT}/bindings/app:shop/database")
            }],
            "uses": [{
                "protocol": "resolve", "lastUsedAt": LATER, "consumer": "app:shop", "actor": "workload:deployer"
            }],
            "default": false
        }),
        "Probe" => json!({ "fqdn": "_acme-challenge.shop.example.com" }),
        "Probed" => json!({
            "summary": "The token may write in example.com.", "details": { "zone": "example.com" }, "at": LATER
        }),
        "PresentDnsRecord" => json!({
            "fqdn": "_acme-challenge.shop.example.com", "value": DNS_VALUE, "ttlSeconds": 60
        }),
        "CleanupDnsRecord" => json!({ "fqdn": "_acme-challenge.shop.example.com", "value": DNS_VALUE }),
        "DnsRecord" => json!({
            "fqdn": "_acme-challenge.shop.example.com", "value": DNS_VALUE, "ttlSeconds": 60, "state": "present",
            "since": LATER, "by": "workload:issuer"
        }),
        _ => return of_regions(schema).or_else(|| of_installation(schema)),
    })
}

fn of_regions(schema: &str) -> Option<Value> {
    Some(match schema {
        "RegionTarget" => json!({
            "id": "vault", "title": "Vault", "summary": "A key-value engine of a vault.", "takesLogin": true,
            "settings": [
                { "name": "address", "about": "where it is", "secret": false, "required": true, "moves": true },
                { "name": "token", "about": "a token", "secret": true, "required": false, "moves": false }
            ]
        }),
        "CreateRegion" => json!({
            "name": "eu", "title": "Europe", "target": "vault", "drift": "repair", "accounts": ["default"],
            "settings": { "address": "https://vault.example.com", "token": "<the vault's token>" }
        }),
        "PatchRegion" => json!({
            "title": "Europe, primary", "settings": { "token": null },
            "login": { "account": "default", "credential": "vault-login" }
        }),
        "Region" | "RegionItem" => json!({
            "id": REGION, "name": "eu", "title": "Europe", "target": "vault",
            "settings": { "address": "https://vault.example.com" }, "secretSettings": ["/token"], "login": null,
            "drift": "repair", "mode": "active", "accounts": ["default"], "unreachable": null, "createdAt": EARLIER,
            "updatedAt": LATER
        }),
        "RegionRow" => json!({
            "id": REGION, "name": "eu", "title": "Europe", "target": "vault", "drift": "repair", "mode": "active",
            "unreachable": null, "createdAt": EARLIER, "updatedAt": LATER
        }),
        "RegionCheck" => json!({ "reachable": true, "error": null }),
        "AccountRegion" => json!({
            "region": "eu", "id": REGION, "title": "Europe", "mode": "active",
            "types": null, "formats": { "database-login": ["env"] }, "onDetach": "remove", "detaching": null,
            "sync": { "notSynced": 0, "syncing": 1, "synced": 12, "error": 0, "drifted": 0 }, "attachedAt": EARLIER
        }),
        "AttachRegion" => json!({
            "types": ["database-login"], "formats": { "database-login": ["env"] }, "onDetach": "remove"
        }),
        "EnsuredRegion" => ensured(),
        "SyncedAccount" => json!({ "ready": true, "regions": [ensured()] }),
        "RegionPlan" => json!({
            "region": "eu",
            "summary": {
                "create": 1, "update": 0, "delete": 0, "unchanged": 0, "foreign": 0, "drifted": 0, "unknown": 0
            },
            "items": [{
                "credential": "orders-db", "name": "orders-db", "id": CREDENTIAL, "action": "create",
                "place": "shop/orders-db", "message": null
            }]
        }),
        _ => return None,
    })
}

fn of_installation(schema: &str) -> Option<Value> {
    Some(match schema {
        "CredentialType" => json!({
            "id": "database-login", "title": "Database login", "summary": "User name and password of a database.",
            "category": "database", "version": "1.0.0", "digest": DIGEST, "icon": "database",
            "publisher": "Example Ltd", "documentation": "https://example.com/database-login",
            "abilities": [], "pushedByDefault": true, "slots": [{ "id": "database", "defaultFallback": false, "selector": "host" }],
            "variants": [{ "id": "primary", "title": "Primary", "howTo": "Create a role that may log in." }],
            "formats": [{ "id": "env", "title": "Environment file" }],
            "hints": { "order": ["host", "username", "password"], "groups": [] },
            "schema": {
                "type": "object", "required": ["host", "username", "password"],
                "properties": {
                    "host": { "type": "string" }, "username": { "type": "string" },
                    "password": { "type": "string", "writeOnly": true }
                }
            }
        }),
        "DnsProvider" => json!({
            "id": "example", "type": "dns-example", "title": "Example DNS", "summary": "Zones at Example Ltd.",
            "category": "dns-provider", "version": "1.0.0", "digest": DIGEST, "icon": "", "publisher": "Example Ltd",
            "documentation": "https://example.com/dns", "abilities": ["dns01"], "slots": [], "variants": [],
            "formats": [], "hints": { "order": ["token"], "groups": [] },
            "schema": {
                "type": "object", "required": ["token"],
                "properties": { "token": { "type": "string", "writeOnly": true } }
            }
        }),
        "Template" => json!({
            "variant": "primary", "data": { "host": "db.example.com", "username": "", "password": "" }
        }),
        "Plugin" => plugin(),
        "DecidePlugin" => json!({ "digest": DIGEST }),
        "AuditEntry" => json!({
            "id": "3f2a-118", "seq": 118, "at": LATER, "actor": "user:alice", "actorAccount": ACCOUNT,
            "action": "credential.reveal",
            "outcome": "ok", "account": ACCOUNT, "credential": CREDENTIAL, "version": 2, "region": null,
            "requestId": "5f0c6a52-8f8e-4d7a-9d0e-3c1b9a7e2f11", "client": "203.0.113.7", "plugin": null,
            "detail": { "token": TOKEN, "fields": ["/password"] }, "prevHash": DIGEST, "hash": DIGEST
        }),
        "Checkpoint" => json!({
            "node": "3f2a", "seq": 118, "hash": DIGEST, "at": LATER,
            "publicKey": "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "signature": "<88 characters of base64>"
        }),
        "AuditReport" => json!({ "entries": 118, "records": 12, "checkpoints": 1, "anchors": 4, "problems": [] }),
        "Rekeyed" => json!({ "rewrapped": 5 }),
        "Health" => json!({ "status": "ok", "version": "0.1.0", "engine": { "allocator": "pooling" } }),
        "Ready" => json!({
            "status": "ready",
            "checks": [{ "name": "storage", "ok": true, "detail": null }, { "name": "clock", "ok": true, "detail": null }],
            "nodes": [of("Node")]
        }),
        "ReadyCheck" => json!({ "name": "storage", "ok": true, "detail": null }),
        "Node" => json!({
            "id": ACCOUNT, "this": true, "state": "live", "version": "0.1.0", "startedAt": EARLIER, "seenAt": LATER,
            "clockAheadMs": 2, "rootKey": "current"
        }),
        _ => return None,
    })
}

fn ensured() -> Value {
    json!({ "region": "eu", "ready": true, "synced": 12, "failed": [] })
}

fn credential() -> Value {
    json!({
        "id": CREDENTIAL, "account": "default", "type": "database-login", "category": "database",
        "name": "orders-db", "title": "Orders database", "description": "", "labels": { "team": "web" },
        "default": false, "revealable": true, "data": { "host": "db.example.com", "username": "orders" },
        "secretFields": ["/password"], "attributes": {},
        "selectors": [{ "kind": "host", "value": "db.example.com" }], "expiresAt": null, "status": "valid",
        "warnings": [], "version": 2, "createdAt": EARLIER, "updatedAt": LATER, "lastUsedAt": null,
        "deletedAt": null, "plugin": made_by(),
        "sync": [{ "region": "eu", "state": "synced", "syncedAt": LATER, "error": null, "version": 2 }]
    })
}

fn plugin() -> Value {
    let placement = json!({
        "secret": "/apiToken", "host": "dns.example.com", "methods": [], "pathPrefix": "/v2",
        "place": "header:authorization"
    });
    let words = json!([
        "reach dns.example.com: It keeps the records.",
        "send /apiToken to dns.example.com in the header authorization, under the path /v2"
    ]);
    json!({
        "id": "dns-example", "kind": "dns-provider", "version": "1.1.0", "digest": DIGEST, "contractVersion": "0.1.0",
        "state": "active", "reason": null, "source": "/etc/bursar/plugins/dns-example.wasm",
        "signedBy": "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3", "permissions": words,
        "wantedHosts": [{ "host": "dns.example.com", "reason": "It keeps the records." }],
        "placements": [placement], "tokenEndpoints": [], "derives": [], "grantedHosts": ["dns.example.com"],
        "grant": {
            "by": "operator:initial", "at": LATER, "digest": DIGEST, "permissions": words,
            "hosts": ["dns.example.com"], "placements": [placement], "tokenEndpoints": [], "derives": []
        },
        "permissionDiff": null, "previousDigest": null, "previousVersion": null, "pinned": false
    })
}

fn made_by() -> Value {
    json!({ "id": "database-login", "version": "1.0.0", "digest": DIGEST })
}

fn token() -> Value {
    json!({
        "id": TOKEN, "name": "deployer", "kind": "workload", "role": "workload", "principal": null,
        "scope": { "credentials": [], "labels": { "team": "web" }, "regions": [], "consumers": ["app:shop"] },
        "createdAt": EARLIER, "expiresAt": "2027-06-30T00:00:00.000Z", "lastUsedAt": LATER
    })
}

const ACCOUNT: &str = "0199f3c1-8a51-7c6b-9a0e-5a3c1f2b7d01";
const CREDENTIAL: &str = "0199f3c1-8a51-7c6b-9a0e-5a3c1f2b7d02";
const TOKEN: &str = "0199f3c1-8a51-7c6b-9a0e-5a3c1f2b7d10";
const REGION: &str = "0199f3c1-8a51-7c6b-9a0e-5a3c1f2b7d20";
const EARLIER: &str = "2026-11-01T08:00:00.000Z";
const LATER: &str = "2026-11-22T09:30:00.000Z";
const DNS_VALUE: &str = "gfj9Xq...Rg85nM";
const DIGEST: &str = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

#[cfg(test)]
mod tests {
    use bursar_api as api;
    use serde::Serialize;
    use serde::de::DeserializeOwned;

    use super::*;

    /// Nothing missing, nothing too much.
    fn holds<T: Serialize + DeserializeOwned>(name: &str) {
        let example = of(name).unwrap_or_else(|| panic!("{name} has no example"));
        let read: T = serde_json::from_value(example.clone()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(serde_json::to_value(read).unwrap(), example, "{name}");
    }

    #[test]
    fn examples_are_what_they_are_examples_of() {
        holds::<api::Account>("Account");
        holds::<api::CreateAccount>("CreateAccount");
        holds::<api::PatchAccount>("PatchAccount");
        holds::<api::Member>("Member");
        holds::<api::PutMember>("PutMember");
        holds::<api::Bindable>("Bindable");
        holds::<api::Token>("Token");
        holds::<api::NewToken>("NewToken");
        holds::<api::CreateToken>("CreateToken");
        holds::<api::CreateOperatorToken>("CreateOperatorToken");
        holds::<api::Me>("Me");
        holds::<api::CreateCredential>("CreateCredential");
        holds::<api::PatchCredential>("PatchCredential");
        holds::<api::Credential>("Credential");
        holds::<api::CredentialItem>("CredentialRow");
        holds::<api::Page<api::CredentialItem>>("Page_CredentialItem");
        holds::<api::CredentialVersion>("CredentialVersion");
        holds::<api::Reveal>("Reveal");
        holds::<api::Revealed>("Revealed");
        holds::<api::Materialize>("Materialize");
        holds::<api::Materialized>("Materialized");
        holds::<api::CredentialType>("CredentialType");
        holds::<api::Template>("Template");
        holds::<api::Binding>("Binding");
        holds::<api::PutBinding>("PutBinding");
        holds::<api::Resolve>("Resolve");
        holds::<api::ResolveImage>("ResolveImage");
        holds::<api::Resolved>("Resolved");
        holds::<api::CredentialUsage>("CredentialUsage");
        holds::<api::Probe>("Probe");
        holds::<api::Probed>("Probed");
        holds::<api::PresentDnsRecord>("PresentDnsRecord");
        holds::<api::CleanupDnsRecord>("CleanupDnsRecord");
        holds::<api::DnsRecord>("DnsRecord");
        holds::<api::DnsProvider>("DnsProvider");
        holds::<api::RegionTarget>("RegionTarget");
        holds::<api::CreateRegion>("CreateRegion");
        holds::<api::PatchRegion>("PatchRegion");
        holds::<api::RegionItem>("Region");
        holds::<api::RegionItem>("RegionRow");
        holds::<api::RegionCheck>("RegionCheck");
        holds::<api::AccountRegion>("AccountRegion");
        holds::<api::AttachRegion>("AttachRegion");
        holds::<api::EnsuredRegion>("EnsuredRegion");
        holds::<api::SyncedAccount>("SyncedAccount");
        holds::<api::RegionPlan>("RegionPlan");
        holds::<api::Plugin>("Plugin");
        holds::<api::DecidePlugin>("DecidePlugin");
        holds::<api::AuditEntry>("AuditEntry");
        holds::<api::Checkpoint>("Checkpoint");
        holds::<api::AuditReport>("AuditReport");
        holds::<api::Rekeyed>("Rekeyed");
        holds::<api::Health>("Health");
        holds::<api::Ready>("Ready");
        holds::<api::ReadyCheck>("ReadyCheck");
        holds::<api::Node>("Node");
    }
}
