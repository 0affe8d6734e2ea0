//! The keys, requests and signatures are those of AWS's documents and of its
//! published Signature Version 4 test suite.

use std::rc::Rc;

use super::*;
use crate::host::{self, software::Software};
use crate::http::wire;
use crate::json::json;

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/signing-elements.html>:
/// the request to IAM that lists users.
#[test]
fn the_documents_example_is_signed_as_there() {
    let request = Request::get("https://iam.amazonaws.com/")
        .query("Version", "2010-05-08")
        .query("Action", "ListUsers")
        .header("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
    let signed = signed(request, &stored(), "iam");
    assert_eq!(signed.date, "20150830T123600Z");
    assert_eq!(
        signed.authorization,
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
         SignedHeaders=content-type;host;x-amz-date, \
         Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    );
}

/// Each is named as in the test suite.
#[test]
fn the_test_suites_requests_are_signed_as_there() {
    let get = |path: &str| Request::get(format!("https://example.amazonaws.com{path}"));
    let post = Request::post("https://example.amazonaws.com/");
    let unreserved = "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let suite = [
        ("get-vanilla", get("/"), "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("get-vanilla, no path", get(""), "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("get-unreserved", get(unreserved), "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"),
        ("get-utf8", get("/\u{1234}"), "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
        (
            "get-vanilla-query-order-encoded",
            get("/").query("Param-3", "Value3").query("Param", "Value2").query("\u{1234}", "Value1"),
            "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
        ),
        (
            "get-vanilla-query-order-key-case",
            get("/").query("Param2", "value2").query("Param1", "value1"),
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            "get-vanilla-utf8-query",
            get("/").query("\u{1234}", "bar"),
            "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
        ),
        (
            "get-header-key-duplicate",
            get("/").header("My-Header1", "value2").header("My-Header1", "value2").header("My-Header1", "value1"),
            "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
        ),
        (
            "get-header-value-trim",
            get("/").header("My-Header1", " value1").header("My-Header2", " \"a   b   c\""),
            "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
        ),
        ("post-vanilla", post.clone(), "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            "post-x-www-form-urlencoded",
            post.body("application/x-www-form-urlencoded", "Param1=value1"),
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
    ];
    for (name, request, signature) in suite {
        assert_eq!(signed(request, &stored(), "service").signature(), signature, "{name}");
    }
}

/// `post-sts-header-before`: key and token were captured, so the canonical
/// request is digested at the host.
#[test]
fn temporary_credentials_are_signed_without_being_seen() {
    let credentials = Credentials::captured("AKIDEXAMPLE", "secret-access-key", "session-token");
    let signed = signed(Request::post("https://example.amazonaws.com/"), &credentials, "service");
    assert_eq!(signed.signature(), "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead");
    assert!(signed.authorization.contains("SignedHeaders=host;x-amz-date;x-amz-security-token,"));
}

/// `post-x-www-form-urlencoded`, with a part of its body in a secret.
#[test]
fn a_body_with_a_secret_is_digested_at_the_host() {
    let request = Request::post("https://example.amazonaws.com/")
        .body("application/x-www-form-urlencoded", Parts::from("Param1=").secret(Secret("/value")));
    let signature = "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a";
    assert_eq!(signed(request, &stored(), "service").signature(), signature);
}

#[test]
fn a_query_that_holds_a_secret_is_refused() {
    let request = Request::get("https://example.amazonaws.com/").query("key", Secret("/value"));
    let host = Rc::new(Aws(Software::new(json!({}), json!({}))));
    let outcome = host::with(host, || sign(request, &stored(), "us-east-1", "service"));
    assert!(matches!(outcome, Err(Error::Internal(_))));
}

fn stored() -> Credentials {
    Credentials::stored("AKIDEXAMPLE", Secret("/secretAccessKey"))
}

struct Signed {
    authorization: String,
    date: String,
}

impl Signed {
    fn signature(&self) -> &str {
        self.authorization.rsplit('=').next().unwrap_or_default()
    }
}

fn signed(request: Request, credentials: &Credentials, service: &str) -> Signed {
    let captured = json!({ "secret-access-key": SECRET, "session-token": TOKEN });
    let host = Rc::new(Aws(Software::new(json!({ "secretAccessKey": SECRET, "value": "value1" }), captured)));
    let request = host::with(host.clone(), || sign(request, credentials, "us-east-1", service)).unwrap();
    let header = |name: &str| {
        let field = request.wire().headers.iter().find(|field| field.name == name).expect("the header is there");
        String::from_utf8(host.0.filled(&field.value).unwrap()).unwrap()
    };
    Signed { authorization: header("Authorization"), date: header("X-Amz-Date") }
}

struct Aws(Software);

impl host::Host for Aws {
    fn send(&self, _: &wire::Request) -> Result<wire::Response, wire::Error> {
        Err(wire::Error::Unsupported)
    }

    fn now(&self) -> Result<i64, Error> {
        Ok(1_440_938_160)
    }

    fn load(&self, source: &Source) -> Result<u32, Error> {
        self.0.load(source)
    }

    fn derive_hmac_sha256(&self, key: u32, data: &[Part]) -> Result<u32, Error> {
        self.0.hmac_sha256(key, data)
    }

    fn hmac_sha256(&self, key: u32, data: &[Part]) -> Result<u32, Error> {
        self.0.hmac_sha256(key, data)
    }

    fn digest(&self, _: DigestAlgorithm, data: &[Part]) -> Result<u32, Error> {
        self.0.sha256(data)
    }

    fn digest_text(&self, _: DigestAlgorithm, data: &[u8]) -> Result<String, Error> {
        Ok(Software::sha256_hex(data))
    }
}

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const TOKEN: &str = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";
