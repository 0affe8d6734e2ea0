//! Bad days of the API server, each told for what it is, and none with a secret in its text.

use bursar_regions::TargetError;
use serde_json::json;

use super::lab::{Cluster, Given};

/// What each answer comes to, by the word of the error.
#[tokio::test]
async fn answers_are_told_apart() {
    let cluster = Cluster::new().await;
    let target = cluster.target(json!({})).await;
    let given = Given::opaque("s3cret-token");
    given.put(&target).await.unwrap();
    let next = given.next("env", &[("token", "second-content")]);
    for (status, reason, word) in [
        (400, "BadRequest", "invalid"),
        (401, "Unauthorized", "refused"),
        (403, "Forbidden", "refused"),
        (413, "RequestEntityTooLarge", "invalid"),
        (415, "UnsupportedMediaType", "invalid"),
        (422, "Invalid", "invalid"),
        (429, "TooManyRequests", "throttled"),
        (500, "InternalError", "unreachable"),
        (503, "ServiceUnavailable", "unreachable"),
        (504, "Timeout", "unreachable"),
        (302, "Found", "failed"),
        (404, "NotFound", "failed"),
    ] {
        for verb in ["get", "patch"] {
            cluster.fault(json!({ "kind": "status", "verb": verb, "status": status, "reason": reason })).await;
            let error = next.put(&target).await.expect_err("it fails");
            assert_eq!(error.code(), word, "{verb} {status}: {error}");
        }
        cluster.fault(json!({ "kind": "status", "verb": "delete", "status": status, "reason": reason })).await;
        let error = given.remove(&target).await.expect_err("it fails");
        assert_eq!(error.code(), word, "delete {status}: {error}");
    }
    assert_eq!(given.look(&target).await, json!({ "token": "s3cret-token" }));
}

#[tokio::test]
async fn a_refusal_names_the_right_that_is_missing() {
    let cluster = Cluster::new().await;
    let target = cluster.target(json!({})).await;
    let given = Given::opaque("s3cret-token");
    let namespace = format!("bursar-{}", given.owner.account_name);
    for (verb, resource) in [("get", "secrets"), ("create", "secrets"), ("create", "namespaces")] {
        cluster.deny(json!({ "verb": verb, "resource": resource })).await;
        let Err(TargetError::Refused(text)) = given.put(&target).await else { panic!("it must be refused") };
        assert!(text.contains(&format!("`{verb}` on {resource}")) && text.contains(&namespace), "{text}");
        assert!(text.contains("docs/targets/kubernetes.md"), "{text}");
        cluster.allow_all().await;
    }
    given.put(&target).await.unwrap();
    cluster.deny(json!({ "verb": "patch", "resource": "secrets" })).await;
    let error = given.put(&target).await.unwrap_err();
    assert!(error.to_string().contains("`patch` on secrets"), "{error}");
    cluster.allow_all().await;
    cluster.deny(json!({ "verb": "delete", "resource": "secrets" })).await;
    let error = given.remove(&target).await.unwrap_err();
    assert!(error.to_string().contains("`delete` on secrets"), "{error}");
}

#[tokio::test]
async fn how_long_to_wait_is_told() {
    let cluster = Cluster::new().await;
    let target = cluster.target(json!({})).await;
    let given = Given::opaque("s3cret-token");
    for (seconds, expected) in [(7, Some(7)), (0, None)] {
        cluster.fault(json!({ "kind": "status", "status": 429, "retry_after": seconds })).await;
        let error = given.put(&target).await.unwrap_err();
        assert!(matches!(error, TargetError::Throttled { seconds, .. } if seconds == expected), "{error:?}");
    }
}

/// Conflicts that do not end are told as such, after a few tries.
#[tokio::test]
async fn conflicts_are_tried_again_and_then_told() {
    let cluster = Cluster::new().await;
    let target = cluster.target(json!({})).await;
    let given = Given::opaque("s3cret-token");
    given.put(&target).await.unwrap();
    given.put(&target).await.unwrap();
    let next = given.next("env", &[("token", "second-content")]);
    let conflict = |verb: &str, times: u32| json!({ "kind": "status", "verb": verb, "status": 409, "times": times });
    cluster.fault(conflict("patch", 4)).await;
    next.put(&target).await.unwrap();
    cluster.fault(conflict("patch", 5)).await;
    assert!(matches!(next.put(&target).await, Err(TargetError::Conflict(_))));
    cluster.fault(conflict("delete", 5)).await;
    assert!(matches!(next.remove(&target).await, Err(TargetError::Conflict(_))));
    next.remove(&target).await.unwrap();
}

#[tokio::test]
async fn a_namespace_that_is_being_deleted_is_waited_for() {
    let cluster = Cluster::new().await;
    let target = cluster.target(json!({})).await;
    let given = Given::opaque("s3cret-token");
    let causes = json!([{ "reason": "NamespaceTerminating", "message": "", "field": "metadata.namespace" }]);
    let rule = json!({ "kind": "status", "verb": "create", "status": 403, "reason": "Forbidden", "causes": causes });
    cluster.fault(rule).await;
    let Err(TargetError::Conflict(text)) = given.put(&target).await else { panic!("it must be told") };
    assert!(text.contains("is being deleted"), "{text}");
}

/// No answer, an end in the middle, and pages of a proxy.
#[tokio::test]
async fn no_answer_is_told_as_such() {
    let cluster = Cluster::new().await;
    let target = cluster.target(json!({ "timeoutSeconds": 1 })).await;
    let given = Given::opaque("s3cret-token");
    for kind in ["hang", "reset", "html", "garbage"] {
        for verb in ["patch", "get", "delete", "create"] {
            given.put(&target).await.unwrap();
            if verb == "create" {
                given.remove(&target).await.unwrap();
            }
            cluster.fault(json!({ "kind": kind, "verb": verb, "resource": "secrets" })).await;
            let result =
                if verb == "delete" { given.remove(&target).await } else { given.put(&target).await.map(drop) };
            let error = result.expect_err("it fails");
            assert!(matches!(error, TargetError::Unreachable(_)), "{kind} {verb}: {error}");
            clean(&error, &["s3cret"]);
        }
    }
}

/// The answer was lost, and what was asked for was done: the next try finds it so.
#[tokio::test]
async fn a_lost_answer_does_no_harm() {
    let cluster = Cluster::new().await;
    let target = cluster.target(json!({})).await;
    let given = Given::opaque("s3cret-token");
    // For its namespace.
    given.put(&target).await.unwrap();
    given.remove(&target).await.unwrap();
    let lost = |verb: &str| json!({ "kind": "reset", "verb": verb, "resource": "secrets", "applied": true });
    cluster.fault(lost("create")).await;
    assert!(matches!(given.put(&target).await, Err(TargetError::Unreachable(_))));
    given.put(&target).await.unwrap();
    assert_eq!(given.look(&target).await, json!({ "token": "s3cret-token" }));
    cluster.fault(lost("patch")).await;
    let next = given.next("env", &[("token", "second-content")]);
    assert!(matches!(next.put(&target).await, Err(TargetError::Unreachable(_))));
    next.put(&target).await.unwrap();
    assert_eq!(next.look(&target).await, json!({ "token": "second-content" }));
    cluster.fault(lost("delete")).await;
    assert!(matches!(given.remove(&target).await, Err(TargetError::Unreachable(_))));
    given.remove(&target).await.unwrap();
}

/// A webhook that quotes what it was shown, and one that quotes what was there before.
#[tokio::test]
async fn quoted_secrets_are_not_passed_on() {
    let cluster = Cluster::new().await;
    let target = cluster.target(json!({})).await;
    let given = Given::new("env", &[("token", "first-s3cret-content"), ("pin", "4711")]);
    let next = given.next("env", &[("token", "second-hidden-content"), ("pin", "0815")]);
    let secrets = [
        "first-s3cret-content",
        "s3cret",
        "Zmlyc3QtczNjcmV0LWNvbnRlbnQ=",
        "second-hidden-content",
        "hidden-",
        "c2Vjb25kLWhpZGRlbi1jb250ZW50",
        "4711",
        "0815",
        cluster.token(),
    ];
    for status in [400, 403, 409, 422, 429, 500] {
        let echo =
            |verb: &str| json!({ "kind": "echo", "verb": verb, "resource": "secrets", "status": status, "times": 5 });
        // A 409 is tried again until the fault is used up; all else ends at once, and the last of it is used up here.
        for verb in ["create", "patch", "get", "delete"] {
            given.put(&target).await.unwrap();
            if verb == "create" {
                given.remove(&target).await.unwrap();
            }
            cluster.fault(echo(verb)).await;
            let mut errors = Vec::new();
            for _ in 0..5 {
                let result =
                    if verb == "delete" { given.remove(&target).await } else { next.put(&target).await.map(drop) };
                let Err(error) = result else { break };
                errors.push(error);
            }
            assert!(!errors.is_empty(), "{verb} {status}");
            for error in errors {
                clean(&error, &secrets);
                if matches!(status, 400 | 403 | 422) && verb != "get" {
                    assert!(error.to_string().contains("nosy.example.test"), "what helps is passed on: {error}");
                }
            }
        }
    }
}

/// Our own token does not come back either.
#[tokio::test]
async fn a_quoted_token_is_not_passed_on() {
    let cluster = Cluster::new().await;
    let target = cluster.target(json!({})).await;
    let given = Given::opaque("s3cret-token");
    let message = format!("webhook saw the header Bearer {} and did not like it", cluster.token());
    let rule = json!({ "kind": "status", "verb": "create", "status": 403, "reason": "Forbidden", "message": message });
    cluster.fault(rule).await;
    let error = given.put(&target).await.unwrap_err();
    assert!(error.to_string().contains("webhook saw the header Bearer [...] and"), "{error}");
}

#[track_caller]
fn clean(error: &TargetError, secrets: &[&str]) {
    for text in [error.to_string(), format!("{error:?}")] {
        for secret in secrets {
            assert!(!text.contains(secret), "{secret} is in: {text}");
        }
    }
}

/// Nothing of it is tried again by the library below.
#[tokio::test]
async fn each_try_is_one_request() {
    let cluster = Cluster::new().await;
    let target = cluster.target(json!({})).await;
    for status in [429, 503, 504] {
        cluster.fault(json!({ "kind": "status", "status": status })).await;
        let before = cluster.log().await.len();
        let error = Given::opaque("s3cret-token").put(&target).await;
        assert!(error.is_err());
        assert_eq!(cluster.log().await.len(), before + 1, "{status}");
    }
}
