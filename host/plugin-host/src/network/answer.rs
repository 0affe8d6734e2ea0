//! Checks and scrubs what a call of the network plane answered. The plugin saw no
//! secrets; what a service echoed to it is scrubbed once more.

use bursar_kernel::plugin::{PluginAnswer, PluginError, ProbeReport, Progress};
use bursar_scrub::Scrubber;
use serde_json::{Map, Value};

use crate::answer::{RawNetworkAnswer, Refusal, broke, open_refusal};
use crate::form::Form;
use crate::text::{is_unprintable, parse_json, sentence};

/// Checks what a call answered.
///
/// # Errors
///
/// [`PluginError::Failed`] naming the rule.
pub(crate) fn check(answer: RawNetworkAnswer, known: &Scrubber) -> Result<PluginAnswer, PluginError> {
    match answer {
        RawNetworkAnswer::Report { summary, details } => report(&summary, &details, known).map(PluginAnswer::Report),
        RawNetworkAnswer::Handle(handle) => check_handle(handle, known).map(PluginAnswer::Handle),
        RawNetworkAnswer::Progress(progress) => Ok(PluginAnswer::Progress(bounded(progress))),
        RawNetworkAnswer::Done => Ok(PluginAnswer::Done(())),
    }
}

/// A refusal with its words scrubbed.
pub(crate) fn refusal(raw: Refusal, public: &Value, form: &Form, known: &Scrubber) -> PluginError {
    let clean = |text: String| known.scrub_text(&text);
    let raw = match raw {
        Refusal::Invalid(mut violations) => {
            for violation in &mut violations {
                violation.message = clean(std::mem::take(&mut violation.message));
            }
            Refusal::Invalid(violations)
        }
        Refusal::Denied(text) => Refusal::Denied(clean(text)),
        Refusal::NotFound(text) => Refusal::NotFound(clean(text)),
        Refusal::Unavailable(text) => Refusal::Unavailable(clean(text)),
        Refusal::Throttled(seconds) => Refusal::Throttled(seconds.map(|seconds| seconds.min(MAX_WAIT_SECONDS))),
        Refusal::Unsupported(text) => Refusal::Unsupported(clean(text)),
        other @ Refusal::Internal(_) => other,
    };
    open_refusal(raw, public, form)
}

fn report(summary: &str, details: &str, known: &Scrubber) -> Result<ProbeReport, PluginError> {
    match parse_json(details, MAX_DETAILS_BYTES).map_err(broke)? {
        details @ Value::Object(_) => {
            Ok(ProbeReport { summary: sentence(&known.scrub_text(summary)), details: scrub(details, known) })
        }
        _ => Err(broke("the details of a report are not an object")),
    }
}

/// The handle of a record is stored, and given back later.
fn check_handle(handle: String, known: &Scrubber) -> Result<String, PluginError> {
    if handle.len() > MAX_HANDLE_BYTES || handle.chars().any(is_unprintable) {
        return Err(broke("present answered a handle of more than 4 KiB or with control characters"));
    }
    if known.scrub_text(&handle) != handle {
        return Err(broke("present answered a handle that holds a secret"));
    }
    Ok(handle)
}

fn bounded(progress: Progress) -> Progress {
    match progress {
        Progress::Done => Progress::Done,
        Progress::Pending(seconds) => Progress::Pending(seconds.min(MAX_WAIT_SECONDS)),
    }
}

fn scrub(value: Value, known: &Scrubber) -> Value {
    match value {
        Value::String(text) => Value::String(known.scrub_text(&text)),
        Value::Array(items) => items.into_iter().map(|item| scrub(item, known)).collect(),
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .map(|(name, field)| (known.scrub_text(&name), scrub(field, known)))
                .collect::<Map<_, _>>(),
        ),
        Value::Number(number) if known.scrub_text(&number.to_string()) != number.to_string() => {
            Value::String(known.scrub_text(&number.to_string()))
        }
        other => other,
    }
}

const MAX_DETAILS_BYTES: usize = 16 << 10;
const MAX_HANDLE_BYTES: usize = 4 << 10;
const MAX_WAIT_SECONDS: u32 = 3600;
