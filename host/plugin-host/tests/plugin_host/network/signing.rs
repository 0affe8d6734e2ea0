//! Keys and signatures that the plugin never holds.

use rsa::pkcs1::EncodeRsaPrivateKey as _;
use rsa::pkcs8::{DecodePrivateKey as _, LineEnding};
use serde_json::{Value, json};

use super::lab::Lab;

const ECHO: &str = "https://api.example.com/echo";

/// Runs a script whose last step sends a signature in `x-signature`; what
/// arrived.
async fn arrived(lab: &Lab, more: Value) -> String {
    let report = lab.probe(more).await.expect("a report");
    assert!(!report.details.to_string().contains("\"error\""), "{}", report.details);
    let seen = lab.seen().pop().expect("a request");
    let signature = seen.header("x-signature").expect("a signature").to_owned();
    // The answer echoes it, which is no way for the plugin to read it.
    assert!(!report.details.to_string().contains(&signature), "{}", report.details);
    signature
}

fn send(parts: &Value) -> Value {
    json!({"send": {"url": ECHO, "headers": {"x-signature": parts}}})
}

/// The published test suite of AWS Signature Version 4: its key, requests and
/// signatures.
#[tokio::test]
async fn aws_requests_are_signed_as_aws_says() {
    let lab = Lab::start().await;
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let form = "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e";
    for (name, canonical, signature) in [
        (
            "get-vanilla",
            format!("GET\n/\n\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\nhost;x-amz-date\n{empty}"),
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        ),
        (
            "get-vanilla-query-order-key-case",
            format!(
                "GET\n/\nParam1=value1&Param2=value2\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\nhost;x-amz-date\n{empty}"
            ),
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            "post-vanilla",
            format!("POST\n/\n\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\nhost;x-amz-date\n{empty}"),
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        ),
        (
            "post-x-www-form-urlencoded",
            format!(
                "POST\n/\n\ncontent-type:application/x-www-form-urlencoded\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\ncontent-type;host;x-amz-date\n{form}"
            ),
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
    ] {
        let script = json!([
            {"load": {"secret": ["AWS4", "/key"]}},
            {"derive": [0, "20150830"]}, {"derive": [1, "us-east-1"]}, {"derive": [2, "service"]}, {"derive": [3, "aws4_request"]},
            {"digest": ["sha256", canonical]},
            {"hmac": [4, ["AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/service/aws4_request\n", {"hex": 0}]]},
            send(&json!([{"hex": 1}])),
        ]);
        let key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        assert_eq!(arrived(&lab, json!({"script": script, "key": key})).await, signature, "{name}");
    }
}

#[tokio::test]
async fn rs256_holds_before_another_library() {
    use rsa::pkcs1v15::{Signature, VerifyingKey};
    use rsa::sha2::Sha256;
    use rsa::signature::Verifier as _;

    let lab = Lab::start().await;
    let pair = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
    let key = rsa::RsaPrivateKey::from_pkcs8_pem(&pair.serialize_pem()).unwrap();
    let pkcs1 = key.to_pkcs1_pem(LineEnding::LF).unwrap().to_string();
    let account = json!({"private_key": pair.serialize_pem()}).to_string();
    for (more, source) in [
        (json!({"pem": pair.serialize_pem()}), json!({"pem": ["/pem", ""]})),
        (json!({"pem": pkcs1}), json!({"pem": ["/pem", ""]})),
        (json!({"account": account}), json!({"pem": ["/account", "/private_key"]})),
    ] {
        let mut more = more;
        more["script"] =
            json!([{"load": source}, {"sign": [0, "rs256", "header.claims"]}, send(&json!([{"base64url": 0}]))]);
        let signature = decode(&arrived(&lab, more).await);
        let signature = Signature::try_from(signature.as_slice()).expect("a signature");
        VerifyingKey::<Sha256>::new(key.to_public_key()).verify(b"header.claims", &signature).expect("it holds");
    }
}

#[tokio::test]
async fn es256_holds_before_another_library() {
    use p256::ecdsa::signature::Verifier as _;
    use p256::ecdsa::{Signature, VerifyingKey};

    let lab = Lab::start().await;
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let key = p256::SecretKey::from_pkcs8_pem(&pair.serialize_pem()).unwrap();
    let sec1 = key.to_sec1_pem(LineEnding::LF).unwrap().to_string();
    for pem in [pair.serialize_pem(), sec1] {
        let script = json!([{"load": {"pem": ["/pem", ""]}}, {"sign": [0, "es256", "header.claims"]}, send(&json!([{"base64url": 0}]))]);
        let signature = decode(&arrived(&lab, json!({"script": script, "pem": pem})).await);
        // RFC 7518, section 3.4: R and S, 32 bytes each.
        let signature = Signature::from_slice(&signature).expect("64 bytes");
        VerifyingKey::from(key.public_key()).verify(b"header.claims", &signature).expect("it holds");
    }
}

#[tokio::test]
async fn a_digest_over_a_secret_is_sent_unread() {
    let lab = Lab::start().await;
    // The scheme of OVH: `$1$` and SHA-1 over a secret and more.
    let script =
        json!([{"digest": ["sha1", [{"secret": "/key"}, "+POST+1366560945"]]}, send(&json!(["$1$", {"hex": 0}]))]);
    let signature = lab.probe(json!({"script": script})).await.map(|_| lab.seen().remove(0)).unwrap();
    let digest =
        aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, b"signing-key+POST+1366560945");
    let hex = hex::encode(digest);
    assert_eq!(signature.header("x-signature"), Some(format!("$1${hex}").as_str()));
    let told = lab.step(json!({"digestText": ["sha256", "x"]})).await;
    assert_eq!(told, "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881");
}

#[tokio::test]
async fn a_signature_goes_where_its_keys_may_and_nowhere_else() {
    let lab = Lab::start().await;
    let elsewhere = |url: &str| json!({"send": {"url": url, "headers": {"x-signature": [{"hex": 0}]}}});
    let results = lab
        .run(json!([
            {"load": {"secret": ["", "/key"]}},
            {"hmac": [0, "x"]},
            elsewhere("https://api.example.com/other"),
            elsewhere("https://login.example.com/echo"),
            {"digest": ["sha256", ["x", {"hex": 0}]]},
            {"send": {"url": "https://login.example.com/echo", "headers": {"x-signature": [{"hex": 1}]}}},
            // Of public data alone: free to go.
            {"digest": ["sha256", "x"]},
            {"send": {"url": "https://login.example.com/echo", "headers": {"x-signature": [{"hex": 2}]}}},
        ]))
        .await;
    for refused in [2, 3, 5] {
        let error = results[refused]["error"].as_str().unwrap_or_default();
        assert!(error.contains("lets the secret /key into key of"), "{refused}: {results:?}");
    }
    assert_eq!(results[7]["status"], 200);
    assert_eq!(lab.seen().len(), 1);
}

#[tokio::test]
async fn keys_and_handles_are_checked() {
    let lab = Lab::start().await;
    for (step, error) in [
        (json!({"load": {"secret": ["", "/pem"]}}), "not-found: the secret is not set"),
        (json!({"load": {"secret": ["", "/tenant"]}}), "not-found: the secret is not set"),
        (
            json!({"load": {"secret": ["", "/token"]}}),
            "denied: no placement of the manifest makes the secret /token a key",
        ),
        (json!({"load": {"pem": ["/key", ""]}}), "invalid: /key"),
        (
            json!({"load": {"pem": ["/token", ""]}}),
            "denied: no placement of the manifest makes the secret /token a key",
        ),
        (
            json!({"load": {"captured": ["", "none"]}}),
            "denied: a part names something that no token endpoint's answer was captured under",
        ),
        (json!({"hmac": [7, "x"]}), "denied: there is no such key"),
        (json!({"sign": [7, "rs256", "x"]}), "denied: there is no such key"),
        (json!({"digest": ["sha256", [{"hex": 7}]]}), "denied: a part names a signature that there is not"),
        (
            json!({"digest": ["sha256", [{"secret": "/token"}]]}),
            "denied: no placement of the manifest makes the secret /token a key",
        ),
        (send(&json!([{"hex": 7}])), "denied: a part names a signature that there is not"),
    ] {
        assert_eq!(lab.step(step.clone()).await["error"], error, "{step}");
    }
    let results = lab
        .run(json!([
            {"load": {"secret": ["", "/key"]}},
            {"sign": [0, "rs256", "x"]},
            {"repeat": [63, {"load": {"secret": ["", "/key"]}}]}, {"load": {"secret": ["", "/key"]}},
            {"repeat": [64, {"hmac": [0, "x"]}]}, {"hmac": [0, "x"]},
            {"repeat": [256, {"digestText": ["sha1", "x"]}]}, {"digestText": ["sha1", "x"]},
        ]))
        .await;
    assert_eq!(results[1]["error"], "denied: the key is not one for this algorithm");
    assert_eq!((&results[2], &results[4]), (&json!(63), &json!(63)));
    for full in [3, 5] {
        assert_eq!(
            results[full]["error"],
            "denied: more than 64 keys or more than 64 signatures and digests in a call"
        );
    }
    assert_eq!(results[7]["error"], "denied: more than 256 digests in a call");
}

fn decode(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).expect("base64url")
}
