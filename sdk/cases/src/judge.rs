//! Compares an outcome with what a case expects.

use serde_json::{Map, Value};

use crate::{Call, Case, Failure};

impl Case {
    /// Compares `outcome` with what the case expects. An outcome is
    /// `{"ok": answer}` or `{"error": {"kind", "violations"?, "seconds"?,
    /// "message"?}}`, in the shapes of `plugins/README.md`.
    ///
    /// # Errors
    ///
    /// What differs.
    pub fn judge(&self, outcome: &Value) -> Result<(), String> {
        match (&self.ok, &self.error) {
            (Some(want), None) => {
                let got = outcome.get("ok").ok_or_else(|| format!("wanted success, got {outcome}"))?;
                match self.call {
                    Call::Materialize => artifacts(got, want),
                    Call::Inspect => exact("data", got, want).and_then(|()| subset("", got, want)),
                    _ => subset("", got, want),
                }
            }
            (None, Some(want)) => {
                let kind = want.kind.as_str();
                let got = outcome.get("error").ok_or_else(|| format!("wanted {kind}, got success: {outcome}"))?;
                failure(got, want)
            }
            _ => Err("a case needs either `ok` or `error`".into()),
        }
    }
}

/// Compares the kind, and every violation by pointer and code, in any order.
/// Messages are for people and may change; they are compared only if the case
/// asks for it.
fn failure(got: &Value, want: &Failure) -> Result<(), String> {
    let mut wanted: Vec<String> = want.violations.iter().map(|it| format!("{} {}", it.pointer, it.code)).collect();
    wanted.sort();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut found: Vec<String> = got["violations"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|it| format!("{} {}", text(&it["pointer"]), text(&it["code"])))
        .collect();
    found.sort();
    if got["kind"] != want.kind.as_str() || found != wanted {
        let message = got["message"].as_str().map_or_else(String::new, |message| format!(": {message}"));
        return Err(format!("wanted {} {wanted:?}, got {} {found:?}{message}", want.kind.as_str(), text(&got["kind"])));
    }
    if let Some(seconds) = want.seconds
        && got["seconds"] != seconds
    {
        return Err(format!("wanted to wait {seconds} seconds, got {}", got["seconds"]));
    }
    let violations = got["violations"].as_array().into_iter().flatten();
    let texts: Vec<String> = violations.chain([got]).map(|it| text(&it["message"])).collect();
    match &want.contains {
        Some(part) if !texts.iter().any(|text| text.contains(part.as_str())) => {
            Err(format!("wanted a text with {part:?}, got {texts:?}"))
        }
        _ => Ok(()),
    }
}

/// Compares the names, and of each artifact what the case asks for.
fn artifacts(got: &Value, want: &Value) -> Result<(), String> {
    let (got, want) = (members(&got["artifacts"]), members(&want["artifacts"]));
    if !got.keys().eq(want.keys()) {
        return Err(format!("wanted artifacts {:?}, got {:?}", want.keys(), got.keys()));
    }
    for (name, want) in &want {
        let got = &got[name];
        let text = got["text"].as_str().unwrap_or_default();
        for (aspect, want) in members(want) {
            let fits = match (aspect.as_str(), &want) {
                ("json", want) => {
                    let content: Value = serde_json::from_str(text).map_err(|error| format!("{name}: {error}"))?;
                    content == *want
                }
                ("startsWith", Value::String(start)) => text.starts_with(start.as_str()),
                ("contains", Value::String(part)) => text.contains(part.as_str()),
                ("text" | "mediaType" | "sensitive", want) => got[&aspect] == *want,
                _ => return Err(format!("{name}: a case cannot ask for `{aspect}`")),
            };
            if !fits {
                return Err(format!("{name}: wanted {aspect} {want}, got {got}"));
            }
        }
    }
    Ok(())
}

fn exact(member: &str, got: &Value, want: &Value) -> Result<(), String> {
    match want.get(member) {
        Some(want) if got[member] != *want => Err(format!("/{member}: wanted exactly {want}, got {}", got[member])),
        _ => Ok(()),
    }
}

/// Objects may have more members than asked for; everything else must be equal.
fn subset(at: &str, got: &Value, want: &Value) -> Result<(), String> {
    if let Value::Object(want) = want {
        return want.iter().try_for_each(|(name, want)| {
            let got = got.get(name).unwrap_or(&Value::Null);
            subset(&format!("{at}/{name}"), got, want)
        });
    }
    if got == want { Ok(()) } else { Err(format!("{at}: wanted {want}, got {got}")) }
}

fn members(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn case(call: &str, mut expect: Value) -> Case {
        expect["about"] = json!("");
        expect["call"] = json!(call);
        serde_json::from_value(expect).unwrap()
    }

    #[test]
    fn answers_are_subsets_but_data_is_exact() {
        let got = json!({ "ok": { "data": { "a": 1, "b": 2 }, "attributes": { "x": 1, "y": 2 } } });
        assert!(case("inspect", json!({ "ok": { "attributes": { "x": 1 } } })).judge(&got).is_ok());
        assert!(case("inspect", json!({ "ok": { "attributes": { "x": 2 } } })).judge(&got).is_err());
        assert!(case("inspect", json!({ "ok": { "data": { "a": 1 } } })).judge(&got).is_err());
        assert!(case("inspect", json!({ "error": { "kind": "invalid" } })).judge(&got).is_err());
    }

    #[test]
    fn violations_are_compared_by_pointer_and_code() {
        let got = json!({ "error": { "kind": "invalid", "violations": [
            { "pointer": "/b", "code": "x", "message": "b" }, { "pointer": "/a", "code": "y", "message": "a" } ] } });
        let both = json!([{ "pointer": "/a", "code": "y" }, { "pointer": "/b", "code": "x" }]);
        let one = json!([{ "pointer": "/a", "code": "y" }]);
        assert!(case("check", json!({ "error": { "kind": "invalid", "violations": both } })).judge(&got).is_ok());
        assert!(case("check", json!({ "error": { "kind": "invalid", "violations": one } })).judge(&got).is_err());
        assert!(case("check", json!({ "error": { "kind": "denied" } })).judge(&got).is_err());
        assert!(case("check", json!({ "ok": [] })).judge(&got).is_err());
    }

    #[test]
    fn artifacts_have_the_same_names() {
        let got = json!({ "ok": { "artifacts": { "a": { "text": "{\"k\":1}", "mediaType": "application/json" } } } });
        let want = |artifacts: Value| case("materialize", json!({ "ok": { "artifacts": artifacts } })).judge(&got);
        assert!(want(json!({ "a": { "json": { "k": 1 } } })).is_ok());
        assert!(want(json!({ "a": { "json": { "k": 2 } } })).is_err());
        assert!(want(json!({ "a": { "startsWith": "{", "contains": "k" } })).is_ok());
        assert!(want(json!({ "a": {}, "b": {} })).is_err());
        assert!(want(json!({})).is_err());
        assert!(want(json!({ "a": { "colour": "red" } })).is_err());
    }

    #[test]
    fn what_a_failure_says_is_compared_where_a_case_asks() {
        let throttled = json!({ "error": { "kind": "throttled", "seconds": 30 } });
        let wanted = |error: Value| case("probe", json!({ "error": error }));
        assert!(wanted(json!({ "kind": "throttled" })).judge(&throttled).is_ok());
        assert!(wanted(json!({ "kind": "throttled", "seconds": 30 })).judge(&throttled).is_ok());
        assert!(wanted(json!({ "kind": "throttled", "seconds": 31 })).judge(&throttled).is_err());
        let denied = json!({ "error": { "kind": "denied", "message": "The token has expired." } });
        assert!(wanted(json!({ "kind": "denied", "contains": "expired" })).judge(&denied).is_ok());
        assert!(wanted(json!({ "kind": "denied", "contains": "zone" })).judge(&denied).is_err());
        let violations = json!([{ "pointer": "", "code": "invalid", "message": "a CNAME is there" }]);
        let invalid = json!({ "error": { "kind": "invalid", "violations": violations } });
        let place = json!([{ "pointer": "", "code": "invalid" }]);
        assert!(wanted(json!({ "kind": "invalid", "violations": place, "contains": "CNAME" })).judge(&invalid).is_ok());
        assert!(wanted(json!({ "kind": "invalid", "violations": place, "contains": "zone" })).judge(&invalid).is_err());
    }

    #[test]
    fn a_poll_is_done_or_says_when_to_look_again() {
        let pending = json!({ "ok": { "pendingSeconds": 5 } });
        assert!(case("poll", json!({ "ok": { "pendingSeconds": 5 } })).judge(&pending).is_ok());
        assert!(case("poll", json!({ "ok": { "pendingSeconds": 6 } })).judge(&pending).is_err());
        assert!(case("poll", json!({ "ok": { "progress": "done" } })).judge(&pending).is_err());
    }
}
