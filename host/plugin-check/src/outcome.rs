//! The outcome of a call, in the format of cases.

use bursar_kernel::Violation;
use bursar_kernel::plugin::{Artifact, Inspection, PluginError, ProbeReport, Progress, Rewrite};
use serde_json::{Map, Value, json};

/// `{"ok": answer}` or `{"error": {...}}`.
pub(crate) fn to_json(answer: Result<Value, PluginError>) -> Value {
    match answer {
        Ok(answer) => json!({ "ok": answer }),
        Err(error) => json!({ "error": failure(&error) }),
    }
}

fn failure(error: &PluginError) -> Value {
    match error {
        PluginError::Invalid(violations) => {
            let violations: Vec<Value> = violations.iter().map(violation).collect();
            json!({ "kind": "invalid", "violations": violations })
        }
        PluginError::Denied(message) => json!({ "kind": "denied", "message": message }),
        PluginError::NotFound(message) => json!({ "kind": "not-found", "message": message }),
        PluginError::Throttled(seconds) => json!({ "kind": "throttled", "seconds": seconds }),
        PluginError::Unavailable(message) => json!({ "kind": "unavailable", "message": message }),
        PluginError::Unsupported(message) => json!({ "kind": "unsupported", "message": message }),
        PluginError::Busy => json!({ "kind": "throttled", "seconds": null }),
        PluginError::Failed(message) => json!({ "kind": "internal", "message": message }),
    }
}

fn violation(of: &Violation) -> Value {
    json!({ "pointer": of.pointer, "code": of.code, "message": of.message })
}

pub(crate) fn inspection(found: &Inspection) -> Value {
    json!({
        "data": found.data, "attributes": found.attributes, "selectors": found.selectors,
        "order": found.order, "notBefore": found.not_before, "notAfter": found.not_after,
    })
}

pub(crate) fn rewrites(rewrites: &[Rewrite]) -> Value {
    rewrites.iter().map(|it| json!({ "pointer": it.pointer, "value": it.value.expose() })).collect()
}

pub(crate) fn artifacts(artifacts: &[Artifact]) -> Value {
    let by_name: Map<_, _> = artifacts
        .iter()
        .map(|it| {
            let text = String::from_utf8_lossy(&it.content);
            (it.name.clone(), json!({ "text": text, "mediaType": it.media_type, "sensitive": it.sensitive }))
        })
        .collect();
    json!({ "artifacts": by_name })
}

pub(crate) fn report(report: &ProbeReport) -> Value {
    json!({ "summary": report.summary, "details": report.details })
}

pub(crate) fn progress(progress: Progress) -> Value {
    match progress {
        Progress::Done => json!({ "progress": "done" }),
        Progress::Pending(seconds) => json!({ "pendingSeconds": seconds }),
    }
}
