//! `tls-certificate`, as people renew, export and name certificates.

use serde_json::{Value, json};

use super::read;
use crate::support::Account;
use crate::support::pki::{P256, Workshop, blocks};
use crate::support::samples::{artifact, credential, tls_with};
use crate::support::tools::{run, tool};

fn body(name: &str, certificate: &str, key: &str) -> Value {
    credential("tls-certificate", name, json!({ "certificate": read(certificate), "privateKey": read(key) }))
}

async fn materialized(account: &Account, name: &str, format: &str) -> Value {
    account.manager.post(&format!("credentials/{name}/materialize"), json!({ "format": format })).await.expect(200)
}

/// T1: the person never set `chain`, so the chain is what `certificate` brings.
#[tokio::test]
async fn a_renewed_certificate_brings_its_own_chain() {
    let account = Account::new().await;
    account.create(body("web", "T1-fullchain-1.pem", "T1-privkey-1.pem")).await;
    let first = materialized(&account, "web", "pem").await;
    assert_eq!(artifact(&first, "fullchain.pem"), read("T1-fullchain-1.pem"));
    for (certificate, key) in [
        ("T1-fullchain-2.pem", "T1-privkey-2.pem"),
        ("T1-fullchain-1.pem", "T1-privkey-1.pem"),
        ("T1-fullchain-2.pem", "T1-privkey-2.pem"),
    ] {
        let renewal = json!({ "data": { "certificate": read(certificate), "privateKey": read(key) } });
        account.manager.patch("credentials/web", renewal).await.expect(200);
        for (format, file) in [("pem", "fullchain.pem"), ("kubernetes.io/tls", "tls.crt"), ("nginx", "fullchain.pem")] {
            let made = materialized(&account, "web", format).await;
            assert_eq!(artifact(&made, file), read(certificate), "{format}");
        }
    }

    // One that was given is the person's, and is held against the certificate.
    let issuer = |file: &str| blocks(&read(file)).pop().expect("an issuer");
    let given = json!({ "data": { "chain": issuer("T1-fullchain-2.pem") } });
    account.manager.patch("credentials/web", given).await.expect(200);
    let renewal = |chain: Option<&str>| {
        let mut data = json!({ "certificate": read("T1-fullchain-1.pem"), "privateKey": read("T1-privkey-1.pem") });
        if let Some(file) = chain {
            data["chain"] = json!(issuer(file));
        }
        json!({ "data": data })
    };
    let refused = account.manager.patch("credentials/web", renewal(None)).await;
    assert_eq!(refused.violations(), [("/data/chain", "not-on-path")], "{}", refused.body);
    account.manager.patch("credentials/web", renewal(Some("T1-fullchain-1.pem"))).await.expect(200);
}

/// T7: handed out in a form that nginx and OpenSSL 3.0 read.
#[tokio::test]
async fn a_key_with_its_public_half_is_served() {
    let account = Account::new().await;
    let workshop = Workshop::new();
    workshop.write("given.pem", read("T7-ed25519-v2.key"));
    assert!(!workshop.openssl_accepts(&["pkey", "-in", "given.pem", "-noout"]), "the case is moot");
    account.create(body("ed", "T7-ed25519.crt", "T7-ed25519-v2.key")).await;
    for (format, certificate, key) in [
        ("pem", "fullchain.pem", "privkey.pem"),
        ("nginx", "fullchain.pem", "privkey.pem"),
        ("kubernetes.io/tls", "tls.crt", "tls.key"),
        ("haproxy", "haproxy.pem", "haproxy.pem"),
    ] {
        let made = materialized(&account, "ed", format).await;
        assert!(workshop.is_pair(artifact(&made, certificate), artifact(&made, key)), "{format}");
        workshop.write("cert.pem", artifact(&made, certificate));
        workshop.write("key.pem", artifact(&made, key));
        nginx_takes(&workshop, "").expect(format);
    }
    let revealed =
        account.manager.post("credentials/ed/reveal", json!({ "fields": ["/privateKey"] })).await.expect(200);
    let stored = revealed["data"]["privateKey"].as_str().expect("a key");
    workshop.openssl(&["pkey", "-noout"], stored);
}

/// T12f: only `BMPString` is UTF-16 (RFC 5280, appendix A.1).
#[tokio::test]
async fn a_common_name_as_t61_string_is_found() {
    let account = Account::new().await;
    let made = account.create(body("t61", "T12f-cert.pem", "T12-T18-key.pem")).await;
    assert_eq!(made["attributes"]["commonName"], "host.example.com");
    let found = account.member.all("certificates?host=host.example.com").await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["name"], "t61");
}

/// T4: names are compared by value (RFC 5280, section 7.1).
#[tokio::test]
async fn an_issuer_s_name_in_another_string_type_is_the_same_name() {
    let account = Account::new().await;
    let mut together = body("together", "T4-leaf.pem", "T4-key.pem");
    together["data"]["certificate"] = json!(read("T4-leaf.pem") + &read("T4-inter.pem"));
    let mut apart = body("apart", "T4-leaf.pem", "T4-key.pem");
    apart["data"]["chain"] = json!(read("T4-inter.pem"));
    for (name, body) in [("together", together), ("apart", apart)] {
        account.create(body).await;
        let made = materialized(&account, name, "pem").await;
        assert_eq!(artifact(&made, "fullchain.pem"), read("T4-leaf.pem") + &read("T4-inter.pem"));
    }
    let files = [super::path("T4-inter.pem"), super::path("T4-leaf.pem")];
    let says = run(tool("openssl", "openssl").args(["verify", "-partial_chain", "-CAfile"]).args(files));
    assert!(says.ok, "{says:?}");
}

/// T20: nginx refuses to serve it, and the person hears of it at once.
#[tokio::test]
async fn what_servers_refuse_to_serve_is_warned_of() {
    let account = Account::new().await;
    let made = account.create(body("weak", "T20-rsa1024.pem", "T20-rsa1024.key")).await;
    let shown = account.manager.get("credentials/weak").await.expect(200);
    for told in [&made, &shown] {
        let warnings = told["warnings"].as_array().expect("warnings");
        let weak = warnings.iter().find(|warning| warning["code"] == "weak-key").expect("a warning");
        assert_eq!(weak["pointer"], "/data/certificate");
        assert!(weak["message"].as_str().is_some_and(|text| text.contains("2048")), "{weak}");
        assert_eq!(told["attributes"]["warnings"], Value::Null, "told once");
    }
    let workshop = Workshop::new();
    workshop.write("cert.pem", read("T20-rsa1024.pem"));
    workshop.write("key.pem", read("T20-rsa1024.key"));
    let refusal = nginx_takes(&workshop, "").expect_err("nginx refuses it");
    assert!(refusal.contains("key too small"), "{refusal}");
    nginx_takes(&workshop, "@SECLEVEL=0").expect("what is refused is a setting, which is why it is a warning");

    account.manager.patch("credentials/weak", renewed(&workshop)).await.expect(200);
    let shown = account.manager.get("credentials/weak").await.expect(200);
    assert_eq!(shown["warnings"], json!([]), "a new key ends it");
}

fn renewed(workshop: &Workshop) -> Value {
    let pair = workshop.leaf("rsa1024.example.com");
    json!({ "data": { "certificate": pair.certificate, "privateKey": pair.key } })
}

/// T11e: addresses match `iPAddress` alone (RFC 9525, section 6.1).
#[tokio::test]
async fn an_address_is_found_only_where_it_stands_as_one() {
    let account = Account::new().await;
    account.create(body("as-a-name", "T11e-cert.pem", "T11e-key.pem")).await;
    let workshop = Workshop::new();
    let key = workshop.key(P256);
    for (name, subject, names) in [
        ("as-a-common-name", "/CN=192.0.2.44", ""),
        ("as-an-address", "/CN=x", "IP:192.0.2.44,IP:2001:db8::44"),
        ("as-a-wildcard", "/CN=x", "DNS:*.0.2.44"),
    ] {
        account.create(tls_with(name, &workshop.self_signed(&key, subject, names))).await;
    }
    for (host, wanted) in [
        ("192.0.2.44", json!(["as-an-address"])),
        ("2001:db8::44", json!(["as-an-address"])),
        ("[2001:DB8:0::44]", json!(["as-an-address"])),
        ("2001:db8::45", json!([])),
        ("192.0.2.45", json!([])),
    ] {
        let found = account.manager.all(&format!("certificates?host={host}")).await;
        let names: Vec<_> = found.iter().map(|item| item["name"].clone()).collect();
        assert_eq!(json!(names), wanted, "{host}");
    }
}

/// `inspect` and `check` both read the public half: what is wrong with it is
/// told once, beside what is wrong with the key.
#[tokio::test]
async fn the_same_violation_is_told_once() {
    let account = Account::new().await;
    let cut = read("T4-leaf.pem").replace("-----END CERTIFICATE-----", "");
    for (data, wanted) in [
        (json!({ "certificate": "none", "privateKey": read("T4-key.pem") }), vec![("/data/certificate", "not-pem")]),
        (
            json!({ "certificate": cut, "privateKey": "none" }),
            vec![("/data/certificate", "truncated"), ("/data/privateKey", "not-pem")],
        ),
        (
            json!({ "certificate": read("T4-leaf.pem"), "privateKey": read("T4-key.pem"), "chain": read("T11e-cert.pem").repeat(2) }),
            vec![("/data/chain", "not-on-path")],
        ),
    ] {
        let refused = account.manager.post("credentials/validate", credential("tls-certificate", "x", data)).await;
        assert_eq!(refused.violations(), wanted, "{}", refused.body);
    }
    let data = json!({ "server": "ghcr io", "username": "a", "password": "b" });
    let refused = account.manager.post("credentials/validate", credential("container-registry", "x", data)).await;
    assert_eq!(refused.violations().len(), 1, "{}", refused.body);
    let data = json!({ "server": "ghcr..io", "username": "a", "password": "b" });
    let refused = account.manager.post("credentials/validate", credential("container-registry", "x", data)).await;
    assert_eq!(refused.violations(), [("/data/server", "server")], "{}", refused.body);
}

/// Whether a real nginx would serve `cert.pem` with `key.pem`, and why not.
fn nginx_takes(workshop: &Workshop, level: &str) -> Result<(), String> {
    let folder = workshop.path().display();
    let ciphers = if level.is_empty() { String::new() } else { format!("ssl_ciphers DEFAULT{level};") };
    let config = format!(
        "pid {folder}/nginx.pid;\nerror_log stderr;\nevents {{}}\nhttp {{\n  access_log off;\n  \
         client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;\n  \
         uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;\n  {ciphers}\n  \
         server {{ listen 127.0.0.1:1 ssl; ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem; }}\n}}\n"
    );
    let file = workshop.write("nginx.conf", config);
    // -t reads certificates and keys, and binds nothing that it keeps.
    let ran = run(tool("nginx", "nginx-light").arg("-t").arg("-c").arg(file).args(["-e", "stderr"]));
    if ran.ok { Ok(()) } else { Err(ran.stderr) }
}
