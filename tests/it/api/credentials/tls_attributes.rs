//! What is read out of a certificate equals what openssl reads out of it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::Account;
use crate::support::account::unique;
use crate::support::pki::{KEY_TYPES, P256, Pair, Workshop};
use crate::support::samples::tls_with;

#[tokio::test]
async fn every_key_type_in_every_encoding() {
    let account = Account::new().await;
    let workshop = Workshop::new();
    for of in KEY_TYPES {
        let key = workshop.key(of);
        let pair = workshop.self_signed(&key, "/O=Test/CN=www.example.com", "DNS:www.example.com,DNS:example.com");
        let mut encodings =
            vec![key.clone(), key.replace('\n', "\r\n"), format!("Bag Attributes\n  friendlyName: x\n{key}\n")];
        if of.name != "Ed25519" {
            encodings.push(workshop.traditional(&key));
        }
        for key in encodings {
            let created = account.create(tls_with(&unique("c"), &Pair { key: key.clone(), ..pair.clone() })).await;
            assert_eq!(created["attributes"]["keyType"], of.name, "{key}");
            assert_as_openssl_says(&workshop, &pair.certificate, &created["attributes"]);
            let path = format!("credentials/{}/materialize", created["name"].as_str().expect("a name"));
            let files = account.manager.post(&path, json!({ "format": "pem" })).await.expect(200);
            let file = |name| crate::support::samples::artifact(&files, name).to_owned();
            assert!(workshop.is_pair(&file("fullchain.pem"), &file("privkey.pem")), "{}", of.name);
        }
    }
}

/// Common name and alternative names are read from the certificate as openssl reads them (S0-29).
#[tokio::test]
async fn names_of_every_kind() {
    let account = Account::new().await;
    let workshop = Workshop::new();
    let hundred: Vec<String> = (0..100).map(|n| format!("DNS:host-{n}.example.com")).collect();
    for (subject, names, hosts) in [
        ("/CN=*.example.com", "DNS:*.example.com,DNS:example.com", vec!["*.example.com", "example.com"]),
        (
            "/CN=10.0.0.1",
            "IP:10.0.0.1,IP:2001:db8::1,DNS:node.example.com",
            vec!["10.0.0.1", "2001:db8::1", "node.example.com"],
        ),
        ("/O=Bücher GmbH/CN=bücher.example", "DNS:xn--bcher-kva.example", vec!["xn--bcher-kva.example"]),
        ("/O=No common name", "DNS:only-san.example.com", vec!["only-san.example.com"]),
        ("/CN=only-cn.example.com", "", vec!["only-cn.example.com"]),
        ("/CN=many.example.com", &hundred.join(","), vec![]),
        (
            "/CN=all.example.com",
            "DNS:all.example.com,email:ops@example.com,URI:https://example.com/id",
            vec!["all.example.com"],
        ),
    ] {
        let pair = workshop.self_signed(&workshop.key(P256), subject, names);
        let created = account.create(tls_with(&unique("c"), &pair)).await;
        assert_as_openssl_says(&workshop, &pair.certificate, &created["attributes"]);
        let selectors = created["selectors"].as_array().expect("selectors");
        let found: BTreeSet<&str> = selectors.iter().map(|one| one["value"].as_str().expect("a value")).collect();
        if hosts.is_empty() {
            assert_eq!(found.len(), 100);
        } else {
            assert_eq!(found, hosts.into_iter().collect(), "{subject}");
        }
    }
}

/// Validity is a status that the core computes, never an error (S0-29).
#[tokio::test]
async fn validity_is_a_status_and_a_warning() {
    let account = Account::new().await;
    let year = |offset: i32| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        let years = i32::try_from(now.as_secs() / 31_556_952).expect("a year") + 1970;
        rcgen::date_time_ymd(years + offset, 6, 1)
    };
    for (from, until, status, code) in [
        (year(-5), year(5), "valid", None),
        (year(-5), year(-2), "expired", Some("expired")),
        (year(2), year(5), "notYetValid", Some("not-yet-valid")),
    ] {
        let mut params = rcgen::CertificateParams::new(vec!["www.example.com".to_owned()]).expect("a name");
        (params.not_before, params.not_after) = (from, until);
        let key = rcgen::KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate").pem();
        let created = account.create(tls_with(status, &Pair { certificate, key: key.serialize_pem() })).await;
        assert_eq!(created["status"], status);
        assert!(created["expiresAt"].is_string());
        let codes: Vec<_> = created["warnings"]
            .as_array()
            .expect("warnings")
            .iter()
            .map(|one| one["code"].as_str().expect("a code"))
            .collect();
        assert_eq!(codes, code.into_iter().collect::<Vec<_>>());
        account.manager.post(&format!("credentials/{status}/materialize"), json!({})).await.expect(200);
    }
    assert_eq!(account.member.get("credentials/expired").await.expect(200)["status"], "expired");
}

#[tokio::test]
async fn a_soon_expiring_one_says_so() {
    let account = Account::new().await;
    let workshop = Workshop::new();
    workshop.write("soon.key", workshop.key(P256));
    // Valid for 90 days from 80 days ago: less than a third of its life is left.
    let day = |offset: i64| {
        let output =
            std::process::Command::new("date").args(["-u", "-d", &format!("{offset} days"), "+%Y%m%d%H%M%SZ"]).output();
        String::from_utf8(output.expect("date runs").stdout).expect("a date").trim().to_owned()
    };
    workshop.write("ca.cnf", CA_CONFIG);
    workshop.write("index.txt", "");
    workshop.write("serial", "01\n");
    let request = workshop
        .openssl(&["req", "-new", "-key", "soon.key", "-subj", "/CN=soon.example.com", "-config", "ca.cnf"], "");
    workshop.write("soon.csr", request);
    let (start, end) = (day(-80), day(10));
    let certificate = workshop.openssl(
        &[
            "ca",
            "-batch",
            "-selfsign",
            "-config",
            "ca.cnf",
            "-keyfile",
            "soon.key",
            "-in",
            "soon.csr",
            "-startdate",
            &start,
            "-enddate",
            &end,
            "-notext",
            "-outdir",
            ".",
        ],
        "",
    );
    let key = std::fs::read_to_string(workshop.path().join("soon.key")).expect("the key");
    let created = account.create(tls_with("soon", &Pair { certificate, key })).await;
    assert_eq!(created["status"], "expiring");
    assert_eq!(created["warnings"][0]["code"], "expiring");
}

/// CN, names, dates, serial number, fingerprint.
#[track_caller]
fn assert_as_openssl_says(workshop: &Workshop, certificate: &str, attributes: &Value) {
    let ask = |what: &[&str]| workshop.openssl(&[&["x509", "-noout"], what].concat(), certificate);
    let after_equals =
        |line: &str| line.trim().split_once('=').map(|(_, value)| value.trim().to_owned()).unwrap_or_default();

    let subject = ask(&["-subject", "-nameopt", "multiline,utf8,-esc_msb"]);
    let common_name = subject.lines().find(|line| line.trim().starts_with("commonName")).map(after_equals);
    assert_eq!(attributes["commonName"].as_str().map(str::to_owned), common_name, "{attributes}");

    let iso = |text: String| format!("{}.000Z", text.trim_end_matches('Z').replace(' ', "T"));
    assert_eq!(attributes["notBefore"], iso(after_equals(&ask(&["-startdate", "-dateopt", "iso_8601"]))));
    assert_eq!(attributes["notAfter"], iso(after_equals(&ask(&["-enddate", "-dateopt", "iso_8601"]))));

    let hex = |text: &str| {
        text.trim_start_matches("sha256:").replace(':', "").to_lowercase().trim_start_matches('0').to_owned()
    };
    assert_eq!(
        hex(attributes["serialNumber"].as_str().expect("a serial number")),
        hex(&after_equals(&ask(&["-serial"])))
    );
    let fingerprint = attributes["fingerprintSha256"].as_str().expect("a fingerprint");
    assert_eq!(hex(fingerprint), hex(&after_equals(&ask(&["-fingerprint", "-sha256"]))));

    let shown = ask(&["-ext", "subjectAltName"]);
    let expected: BTreeSet<String> = shown
        .lines()
        .skip(1)
        .flat_map(|line| line.split(", "))
        .filter_map(|name| name.trim().split_once(':'))
        .map(|(kind, name)| if kind == "IP Address" { canonical_ip(name) } else { name.to_owned() })
        .collect();
    let told: BTreeSet<String> = attributes["altNames"]
        .as_array()
        .expect("names")
        .iter()
        .map(|name| name.as_str().expect("a name").to_owned())
        .collect();
    assert_eq!(told, expected);
}

fn canonical_ip(text: &str) -> String {
    text.parse::<std::net::IpAddr>().map_or_else(|_| text.to_owned(), |address| address.to_string())
}

const CA_CONFIG: &str = "\
[req]
distinguished_name = dn
[dn]
[ca]
default_ca = self
[self]
database = index.txt
serial = serial
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
";
