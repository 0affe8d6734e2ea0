//! Keys and certificates as OpenSSL writes them, of every supported kind.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside the functions that the lint exempts")]

use std::fs;
use std::path::Path;
use std::process::Command;

use bursar_plugin_sdk::json::{Value, from_str, json};
use bursar_plugin_sdk::{Context, Error, Rewrite, native};
use tempfile::TempDir;
use tls_certificate::TlsCertificate;

#[test]
fn every_kind_and_container_of_key_fits_its_own_certificate_alone() {
    let kinds = [
        ("RSA-2048", "-algorithm RSA -pkeyopt rsa_keygen_bits:2048", &["rsa -traditional"][..]),
        ("RSA-3072", "-algorithm RSA -pkeyopt rsa_keygen_bits:3072", &["rsa -traditional"]),
        ("ECDSA-P256", "-algorithm EC -pkeyopt ec_paramgen_curve:P-256", &["ec", "ec -no_public"]),
        ("ECDSA-P384", "-algorithm EC -pkeyopt ec_paramgen_curve:P-384", &["ec", "ec -no_public"]),
        ("Ed25519", "-algorithm ED25519", &[]),
    ];
    let folder = tempfile::tempdir().unwrap();
    let mut made = Vec::new();
    for (kind, options, containers) in kinds {
        openssl(&folder, &format!("genpkey {options} -out key.pem"));
        openssl(&folder, "req -new -x509 -key key.pem -subj /CN=example.test -days 30 -out cert.pem");
        let mut keys = vec![read(&folder, "key.pem")];
        for container in containers {
            openssl(&folder, &format!("{container} -in key.pem -out other.pem"));
            keys.push(read(&folder, "other.pem"));
        }
        made.push((kind, read(&folder, "cert.pem"), keys));
    }

    for (kind, certificate, _) in &made {
        let found = inspect(&json!({ "certificate": certificate })).unwrap();
        assert_eq!(found["keyType"], *kind);
        assert_eq!(found["commonName"], "example.test");
        for (other, _, keys) in &made {
            for key in keys {
                let answer = check(&json!({ "certificate": certificate, "privateKey": key }));
                if kind == other {
                    assert!(answer.unwrap().is_empty(), "{kind}");
                } else {
                    assert_eq!(code(answer.map(drop)), "/privateKey key-mismatch", "{kind} with {other}");
                }
            }
        }
    }
}

#[test]
fn what_servers_could_not_use_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    openssl(&folder, "genpkey -algorithm RSA -out rsa.pem");
    openssl(&folder, "req -new -x509 -key rsa.pem -subj /CN=example.test -out cert.pem");
    openssl(&folder, "rsa -traditional -in rsa.pem -aes128 -passout pass:x -out proc-type.pem");
    openssl(&folder, "pkey -in rsa.pem -aes256 -passout pass:x -out pkcs8.pem");
    openssl(&folder, "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521 -out p521.pem");
    openssl(&folder, "req -new -x509 -key p521.pem -subj /CN=example.test -out p521-cert.pem");
    openssl(&folder, "genpkey -algorithm X25519 -out x25519.pem");

    let certificate = read(&folder, "cert.pem");
    for (file, wanted) in [
        ("proc-type.pem", "/privateKey encrypted-key"),
        ("pkcs8.pem", "/privateKey encrypted-key"),
        ("p521.pem", "/privateKey unsupported-key"),
        ("x25519.pem", "/privateKey unsupported-key"),
    ] {
        let answer = check(&json!({ "certificate": certificate, "privateKey": read(&folder, file) }));
        assert_eq!(code(answer.map(drop)), wanted, "{file}");
    }
    let answer = inspect(&json!({ "certificate": read(&folder, "p521-cert.pem") }));
    assert_eq!(code(answer.map(drop)), "/certificate unsupported-key");
}

/// The attack that an embedded public key invites: the certificate's own beside
/// another's private number.
#[test]
fn a_public_key_inside_the_file_proves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    openssl(&folder, "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out own.pem");
    openssl(&folder, "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out other.pem");
    openssl(&folder, "req -new -x509 -key own.pem -subj /CN=example.test -out cert.pem");
    openssl(&folder, "pkcs8 -topk8 -nocrypt -in own.pem -outform DER -out own.der");
    openssl(&folder, "pkcs8 -topk8 -nocrypt -in other.pem -outform DER -out other.der");
    let (own, other) = (read_bytes(&folder, "own.der"), read_bytes(&folder, "other.der"));
    // The point is the last 65 bytes of OpenSSL's encoding.
    let forged = [&other[..other.len() - 65], &own[own.len() - 65..]].concat();
    let forged = pem::encode(&pem::Pem::new("PRIVATE KEY", forged));

    let answer = check(&json!({ "certificate": read(&folder, "cert.pem"), "privateKey": forged }));
    assert_eq!(code(answer.map(drop)), "/privateKey key-mismatch");
}

#[test]
fn rsa_numbers_that_do_not_fit_together_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    openssl(&folder, "genpkey -algorithm RSA -out key.pem");
    openssl(&folder, "req -new -x509 -key key.pem -subj /CN=example.test -out cert.pem");
    openssl(&folder, "rsa -traditional -in key.pem -outform DER -out key.der");
    let certificate = read(&folder, "cert.pem");
    let der = read_bytes(&folder, "key.der");
    // The last byte is the coefficient's; the middle of the file is in the
    // private exponent. The modulus and so the public key stay whole.
    for at in [der.len() - 1, der.len() / 2 - 100] {
        let mut damaged = der.clone();
        damaged[at] ^= 1;
        let damaged = pem::encode(&pem::Pem::new("RSA PRIVATE KEY", damaged));
        let answer = check(&json!({ "certificate": certificate, "privateKey": damaged }));
        assert_eq!(code(answer.map(drop)), "/privateKey inconsistent-key", "byte {at}");
    }
}

#[test]
fn a_hundred_names_a_megabyte_of_junk_and_a_bundle_of_authorities() {
    let folder = tempfile::tempdir().unwrap();
    openssl(&folder, "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem");
    let names: Vec<String> = (0..100).map(|number| format!("DNS:h{number:03}.example.test")).collect();
    let names = names.join(",");
    openssl(&folder, &format!("req -new -x509 -key key.pem -subj /O=x -addext subjectAltName={names} -out cert.pem"));
    let certificate = read(&folder, "cert.pem");
    let context = context();
    let found =
        native::inspect::<TlsCertificate>(&json!({ "certificate": certificate }).to_string(), &context).unwrap();
    assert_eq!(found.selectors.len(), 100);
    assert_eq!(found.selectors[99].value, "h099.example.test");

    let junk = "\u{0}junk ".repeat(180_000);
    assert_eq!(code(inspect(&json!({ "certificate": junk })).map(drop)), "/certificate not-pem");
    let answer = inspect(&json!({ "certificate": certificate, "chain": junk + "-----BEGIN CERTIFICATE-----\nMII" }));
    assert_eq!(code(answer.map(drop)), "/chain truncated");
    let answer = inspect(&json!({ "certificate": certificate, "chain": certificate.repeat(21) }));
    assert_eq!(code(answer.map(drop)), "/chain too-many");
}

/// An authority of the same name and no key identifier, but another key.
#[test]
fn an_issuer_is_told_by_its_signature() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("ca.cnf"),
        "[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN=Authority\n[ca]\nbasicConstraints=critical,CA:TRUE\n[leaf]\nbasicConstraints=CA:FALSE\n",
    )
    .unwrap();
    for (name, kind) in [("true", "-algorithm RSA"), ("false", "-algorithm RSA")] {
        openssl(&folder, &format!("genpkey {kind} -out {name}.key"));
        openssl(&folder, &format!("req -new -x509 -key {name}.key -config ca.cnf -extensions ca -out {name}.pem"));
    }
    openssl(&folder, "genpkey -algorithm ED25519 -out leaf.key");
    openssl(&folder, "req -new -key leaf.key -subj /CN=example.test -out leaf.csr");
    let sign = "x509 -req -in leaf.csr -CA true.pem -CAkey true.key -set_serial 7 -extfile ca.cnf -extensions leaf -out leaf.pem";
    openssl(&folder, sign);

    let certificate = read(&folder, "leaf.pem");
    assert!(inspect(&json!({ "certificate": certificate, "chain": read(&folder, "true.pem") })).is_ok());
    let answer = inspect(&json!({ "certificate": certificate, "chain": read(&folder, "false.pem") }));
    assert_eq!(code(answer.map(drop)), "/chain not-on-path");
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
    let output = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

fn read(folder: impl AsRef<Path>, file: &str) -> String {
    fs::read_to_string(folder.as_ref().join(file)).unwrap()
}

fn read_bytes(folder: impl AsRef<Path>, file: &str) -> Vec<u8> {
    fs::read(folder.as_ref().join(file)).unwrap()
}
