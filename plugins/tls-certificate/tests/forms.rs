//! The forms that keys and names come in, beyond those that openssl writes
//! unasked.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside the functions that the lint exempts")]

use std::fs;
use std::process::Command;

use bursar_plugin_sdk::json::{Value, from_str, json};
use bursar_plugin_sdk::{Context, Error, Rewrite, native};
use tempfile::TempDir;
use tls_certificate::TlsCertificate;

/// RFC 5958 with the public key, as some tools write every key: openssl 3.0
/// reads none of them, and each is materialized in the form that it does read.
#[test]
fn a_key_with_its_public_half_is_handed_out_without() {
    for (options, public_bytes) in [
        ("-algorithm ED25519", 32),
        ("-algorithm EC -pkeyopt ec_paramgen_curve:P-256", 65),
        ("-algorithm EC -pkeyopt ec_paramgen_curve:P-384", 97),
        ("-algorithm RSA -pkeyopt rsa_keygen_bits:2048", 270),
    ] {
        let folder = pair(options);
        openssl(&folder, "pkcs8 -topk8 -nocrypt -in key.pem -outform DER -out v1.der");
        openssl(&folder, "pkey -in key.pem -pubout -outform DER -out public.der");
        let public = fs::read(folder.path().join("public.der")).unwrap();
        let second =
            version_2(&fs::read(folder.path().join("v1.der")).unwrap(), &public[public.len() - public_bytes..]);
        fs::write(folder.path().join("v2.pem"), &second).unwrap();
        assert!(!accepts(&folder, "pkey -in v2.pem -noout"), "{options}: openssl learned it; this test is moot");

        let data = json!({ "certificate": read(&folder, "cert.pem"), "privateKey": second });
        let rewrites = check(&data).unwrap();
        assert_eq!(rewrites.len(), 1, "{options}");
        let stored: String = from_str(&rewrites[0].value).unwrap();
        for (format, file) in [
            ("pem", "privkey.pem"),
            ("nginx", "privkey.pem"),
            ("kubernetes.io/tls", "tls.key"),
            ("haproxy", "haproxy.pem"),
        ] {
            // Also where a version before this one stored it as it came.
            for key in [&second, &stored] {
                let data = json!({ "certificate": read(&folder, "cert.pem"), "privateKey": key }).to_string();
                let files = native::materialize::<TlsCertificate>(&data, None, format, &context()).unwrap();
                let made = &files.iter().find(|it| it.name == file).unwrap().content;
                fs::write(folder.path().join("made.pem"), made).unwrap();
                openssl(&folder, "pkey -in made.pem -pubout -outform DER -out made.der");
                assert_eq!(fs::read(folder.path().join("made.der")).unwrap(), public, "{options} {format}");
            }
        }
    }
}

#[test]
fn a_curve_that_is_not_named_is_refused_with_the_cure() {
    let named = pair("-algorithm EC -pkeyopt ec_paramgen_curve:P-256");
    let explicit = pair("-algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit");
    openssl(&explicit, "ec -in key.pem -out sec1.pem");
    for file in ["key.pem", "sec1.pem"] {
        let data = json!({ "certificate": read(&named, "cert.pem"), "privateKey": read(&explicit, file) });
        assert_eq!(code(check(&data).map(drop)), "/privateKey explicit-curve", "{file}");
    }
    let answer = inspect(&json!({ "certificate": read(&explicit, "cert.pem") }));
    assert_eq!(code(answer.map(drop)), "/certificate explicit-curve");
    // The cure that the message names.
    openssl(&explicit, "pkey -in key.pem -ec_param_enc named_curve -out cured.pem");
    let data = json!({ "certificate": read(&named, "cert.pem"), "privateKey": read(&explicit, "cured.pem") });
    assert_eq!(code(check(&data).map(drop)), "/privateKey key-mismatch");
}

#[test]
fn a_common_name_is_read_from_every_string_type() {
    for (mask, name, wanted) in [
        ("MASK:0x2000", "h\u{f6}st.example.com", "h\u{f6}st.example.com"),
        ("MASK:0x0800", "h\u{f6}st.example.com", "h\u{f6}st.example.com"),
        ("MASK:0x0100", "\u{6771}\u{4eac}.example.com", "\u{6771}\u{4eac}.example.com"),
        ("MASK:0x0004", "h\u{f6}st.example.com", "h\u{f6}st.example.com"),
        ("MASK:0x0002", "host.example.com", "host.example.com"),
        ("MASK:0x0010", "host.example.com", "host.example.com"),
        ("nombstr", "host.example.com", "host.example.com"),
        ("utf8only", "host.example.com", "host.example.com"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let config =
            format!("[req]\nstring_mask={mask}\nutf8=yes\nprompt=no\ndistinguished_name=dn\n[dn]\nCN={name}\n");
        fs::write(folder.path().join("req.cnf"), config).unwrap();
        openssl(&folder, "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem");
        openssl(&folder, "req -new -x509 -key key.pem -config req.cnf -days 30 -out cert.pem");
        let found = inspect(&json!({ "certificate": read(&folder, "cert.pem") })).unwrap();
        assert_eq!(
            (&found["commonName"], &found["subject"]),
            (&json!(wanted), &json!(format!("CN={wanted}"))),
            "{mask}"
        );
    }
}

/// RFC 5280, section 7.1, with authorities that differ by their key as well.
#[test]
fn an_issuer_is_known_by_the_value_of_its_name() {
    let folder = tempfile::tempdir().unwrap();
    for (file, mask, name) in
        [("a", "utf8only", "Acme  Corp"), ("b", "nombstr", "ACME corp "), ("c", "nombstr", "Acme-Corp")]
    {
        let config = format!(
            "[req]\nstring_mask={mask}\nprompt=no\ndistinguished_name=dn\n[dn]\nO={name}\n[ca]\nbasicConstraints=critical,CA:TRUE\n[leaf]\nbasicConstraints=CA:FALSE\n"
        );
        fs::write(folder.path().join(format!("{file}.cnf")), config).unwrap();
        openssl(&folder, &format!("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {file}.key"));
    }
    // One key, so that the names alone decide.
    for file in ["a", "b", "c"] {
        openssl(
            &folder,
            &format!("req -new -x509 -key a.key -config {file}.cnf -extensions ca -days 30 -out {file}.pem"),
        );
    }
    openssl(&folder, "req -new -key b.key -subj /CN=www.example.com -out leaf.csr");
    openssl(
        &folder,
        "x509 -req -in leaf.csr -CA a.pem -CAkey a.key -set_serial 7 -extfile a.cnf -extensions leaf -out leaf.pem",
    );
    for (chain, fits) in [("a.pem", true), ("b.pem", true), ("c.pem", false)] {
        let answer = inspect(&json!({ "certificate": read(&folder, "leaf.pem"), "chain": read(&folder, chain) }));
        assert_eq!(answer.is_ok(), fits, "{chain}: {answer:?}");
        assert_eq!(accepts(&folder, &format!("verify -CAfile {chain} leaf.pem")), fits, "openssl, {chain}");
    }
}

#[test]
fn weak_keys_and_signatures_are_told() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("leaf.cnf"), "basicConstraints=CA:FALSE\n").unwrap();
    openssl(&folder, "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out ca.key");
    openssl(&folder, "req -new -x509 -key ca.key -subj /O=Authority -md5 -days 30 -out ca.pem");
    for (bits, digest, wanted) in [
        (2048, "-sha256", json!([["/chain", "weak-key"]])),
        (2047, "-sha256", json!([["/certificate", "weak-key"], ["/chain", "weak-key"]])),
        (2048, "-sha1", json!([["/certificate", "weak-signature"], ["/chain", "weak-key"]])),
        (2048, "-md5", json!([["/certificate", "weak-signature"], ["/chain", "weak-key"]])),
    ] {
        openssl(&folder, &format!("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:{bits} -out leaf.key"));
        openssl(&folder, "req -new -key leaf.key -subj /CN=www.example.com -out leaf.csr");
        openssl(
            &folder,
            &format!(
                "x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -set_serial 7 {digest} -extfile leaf.cnf -out leaf.pem"
            ),
        );
        let found =
            inspect(&json!({ "certificate": read(&folder, "leaf.pem"), "chain": read(&folder, "ca.pem") })).unwrap();
        let warnings: Vec<_> =
            found["warnings"].as_array().unwrap().iter().map(|it| json!([it["pointer"], it["code"]])).collect();
        assert_eq!(json!(warnings), wanted, "RSA-{bits} {digest}");
    }
    let found = inspect(&json!({ "certificate": read(&pair("-algorithm ED25519"), "cert.pem") })).unwrap();
    assert_eq!(found["warnings"], Value::Null);
}

/// An address is a host only in an address field.
#[test]
fn an_address_counts_only_as_an_address() {
    for (names, wanted) in [
        ("DNS:192.0.2.44", json!([])),
        ("DNS:2001:db8::1", json!([])),
        ("DNS:1.2.3,DNS:a.1,DNS:*.0.2.44", json!([])),
        ("IP:192.0.2.44,IP:2001:DB8::1,DNS:192.0.2.45", json!(["192.0.2.44", "2001:db8::1"])),
        ("DNS:4.example.com,DNS:1a", json!(["1a", "4.example.com"])),
    ] {
        let folder = tempfile::tempdir().unwrap();
        openssl(&folder, "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem");
        openssl(
            &folder,
            &format!("req -new -x509 -key key.pem -subj /CN=192.0.2.44 -addext subjectAltName={names} -out cert.pem"),
        );
        assert_eq!(hosts(&read(&folder, "cert.pem")), wanted, "{names}");
    }
    let folder = tempfile::tempdir().unwrap();
    openssl(&folder, "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem");
    openssl(&folder, "req -new -x509 -key key.pem -subj /CN=192.0.2.44 -out cert.pem");
    assert_eq!(hosts(&read(&folder, "cert.pem")), json!([]), "nor as a common name");
}

fn hosts(certificate: &str) -> Value {
    let data = json!({ "certificate": certificate }).to_string();
    let found = native::inspect::<TlsCertificate>(&data, &context()).unwrap();
    found.selectors.iter().map(|it| it.value.clone()).collect::<Vec<_>>().into()
}

/// PKCS#8 version 1 in, version 2 with the public key out, as PEM.
fn version_2(first: &[u8], public: &[u8]) -> String {
    let header = if first[1] < 0x80 { 2 } else { 2 + usize::from(first[1] & 0x7f) };
    // INTEGER 1 in place of 0, and [1] IMPLICIT BIT STRING at the end.
    let public = [&[0][..], public].concat();
    let body = [&[2, 1, 1][..], &first[header + 3..], &tlv(0x81, &public)].concat();
    pem::encode_config(
        &pem::Pem::new("PRIVATE KEY", tlv(0x30, &body)),
        pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF),
    )
}

fn tlv(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    let length = match body.len() {
        0..0x80 => vec![length[1]],
        0x80..0x100 => vec![0x81, length[1]],
        _ => vec![0x82, length[0], length[1]],
    };
    [&[tag][..], &length, body].concat()
}

fn pair(options: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    openssl(&folder, &format!("genpkey {options} -out key.pem"));
    openssl(&folder, "req -new -x509 -key key.pem -subj /CN=example.test -days 30 -out cert.pem");
    folder
}

fn inspect(data: &Value) -> Result<Value, Error> {
    let found = native::inspect::<TlsCertificate>(&data.to_string(), &context())?;
    Ok(from_str(&found.attributes).unwrap())
}

fn check(data: &Value) -> Result<Vec<Rewrite>, Error> {
    native::check::<TlsCertificate>(&data.to_string(), &context())
}

fn code(answer: Result<(), Error>) -> String {
    match answer {
        Err(Error::Invalid(violations)) if violations.len() == 1 => {
            format!("{} {}", violations[0].pointer, violations[0].code)
        }
        other => format!("{other:?}"),
    }
}

fn context() -> Context {
    Context { name: "web".into(), version: 1, seed: vec![7; 32], options: "{}".into() }
}

fn openssl(folder: &TempDir, arguments: &str) {
    let output = Command::new("openssl").args(arguments.split(' ')).current_dir(folder.path()).output().unwrap();
    assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

fn accepts(folder: &TempDir, arguments: &str) -> bool {
    Command::new("openssl").args(arguments.split(' ')).current_dir(folder.path()).output().unwrap().status.success()
}

fn read(folder: &TempDir, file: &str) -> String {
    fs::read_to_string(folder.path().join(file)).unwrap()
}
