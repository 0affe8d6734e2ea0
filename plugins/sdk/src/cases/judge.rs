//! Whether an outcome is what a case expects.

use super::{Call, Case};
use crate::json::{self, Map, Value};

impl Case {
    /// Compares `outcome` with what the case expects. An outcome is
    /// `{"ok": answer}` or `{"error": {"kind", "violations"?}}`, in the shapes of
    /// `plugins/README.md`.
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
                let got = outcome.get("error").ok_or_else(|| format!("wanted {want}, got success: {outcome}"))?;
                failure(got, want)
            }
            _ => Err("a case needs either `ok` or `error`".into()),
        }
    }
}

/// The kind, and every violation by pointer and code, in any order. Messages
/// are for people and may change.
fn failure(got: &Value, want: &Value) -> Result<(), String> {
    let told = |error: &Value| {
        let list = error["violations"].as_array().cloned().unwrap_or_default();
        let mut told: Vec<String> =
            list.iter().map(|violation| format!("{} {}", violation["pointer"], violation["code"])).collect();
        told.sort();
        told
    };
    if got["kind"] == want["kind"] && told(got) == told(want) {
        return Ok(());
    }
    Err(format!("wanted {} {:?}, got {} {:?}", want["kind"], told(want), got["kind"], told(got)))
}

/// The same names, and of each artifact what is asked for.
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
                    let content: Value = json::from_str(text).map_err(|error| format!("{name}: {error}"))?;
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

/// Objects may have more members than asked for; everything else is equal.
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
    use super::Case;
    use crate::json::{Value, from_value, json};

    fn case(call: &str, mut expect: Value) -> Case {
        expect["about"] = json!("");
        expect["call"] = json!(call);
        from_value(expect).unwrap()
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
        assert!(case("check", json!({ "error": { "kind": "denied", "violations": both } })).judge(&got).is_err());
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
}
