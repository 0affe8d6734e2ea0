//! What a receiver's answers mean.

use bursar_regions::TargetError;
use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::blot::Blotter;
use crate::http::{Connection, retry_after_seconds};

/// An answer of a receiver.
pub(super) struct ReceiverResponse {
    status: u16,
    wait_seconds: Option<u32>,
    is_text: bool,
    body: Zeroizing<Vec<u8>>,
    /// The body, where it is JSON.
    json: Value,
}

impl ReceiverResponse {
    /// Reads an answer completely.
    ///
    /// # Errors
    ///
    /// Where it is cut off, whatever its status: its receipt would be lost, and the
    /// next try gets it.
    pub(super) async fn read(response: Response, connection: &Connection) -> Result<Self, TargetError> {
        let status = response.status().as_u16();
        let wait_seconds = retry_after_seconds(&response);
        let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_text = content_type.is_some_and(|kind| kind.starts_with("text/plain"));
        let body = connection.beginning(response, MAX_BODY_BYTES).await?;
        let json = serde_json::from_slice(&body).unwrap_or_default();
        Ok(Self { status, wait_seconds, is_text, body, json })
    }

    /// Whether it reports success.
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether there is nothing to delete.
    pub(super) fn says_gone(&self) -> bool {
        matches!(self.status, 404 | 410)
    }

    /// Whether the receiver only lacks the method.
    pub(super) fn lacks_method(&self) -> bool {
        matches!(self.status, 405 | 501)
    }

    /// The receiver's receipt; null where it has none, or one that is too long to
    /// store or repeats a secret.
    pub(super) fn receipt(&self, blotter: &Blotter) -> Value {
        let receipt = self.json.get("receipt").cloned().unwrap_or_default();
        let text = receipt.to_string();
        if text.len() > MAX_RECEIPT_BYTES || blotter.finds_any(&text) {
            return Value::Null;
        }
        receipt
    }

    /// Why the request failed. The receiver's message is quoted only with a blotter
    /// that knows the secrets that were sent.
    pub(super) fn refusal(&self, at: &str, blotter: Option<&Blotter>) -> TargetError {
        let status = self.status;
        let says = blotter.and_then(|blotter| self.says(blotter)).map(|says| format!("; it says: {says}"));
        let text = |what: &str| format!("{at} answers {status}: {what}{}", says.as_deref().unwrap_or_default());
        let is_foreign = self.json.get("foreign").and_then(Value::as_bool) == Some(true);
        match status {
            300..=399 => TargetError::Invalid(text("redirects are never followed; give the final URL as `url`")),
            401 | 403 => TargetError::Refused(text(
                "it rejects the signature; check that `secret` is its key, and that both clocks are right",
            )),
            409 if is_foreign => TargetError::Foreign(text("the place holds something that is not Bursar's")),
            409 => TargetError::Conflict(text("it was changed meanwhile")),
            408 | 425 => TargetError::Unreachable(text("it asks to send the request again")),
            429 => self.throttled(text("it receives too many requests")),
            503 if self.wait_seconds.is_some() => self.throttled(text("it is temporarily unavailable")),
            500..=599 => TargetError::Unreachable(text("it failed; see its log")),
            404 | 410 => TargetError::Failed(text("there is no receiver; check `url`")),
            405 => TargetError::Invalid(text("it does not support the method; check `url`")),
            400 | 413 | 415 | 422 => TargetError::Invalid(text("it rejects the request")),
            _ => TargetError::Failed(text("the contract of receivers has no such answer")),
        }
    }

    fn throttled(&self, message: String) -> TargetError {
        TargetError::Throttled { message, seconds: self.wait_seconds }
    }

    fn says(&self, blotter: &Blotter) -> Option<String> {
        let message = match self.json.get("message") {
            Some(Value::String(message)) => message.as_str(),
            _ if self.is_text => std::str::from_utf8(&self.body).ok()?,
            _ => return None,
        };
        Some(blotter.excerpt(message, MAX_EXCERPT_CHARACTERS)).filter(|text| !text.is_empty())
    }
}

const MAX_BODY_BYTES: usize = 16 << 10;
const MAX_RECEIPT_BYTES: usize = 1 << 10;
const MAX_EXCERPT_CHARACTERS: usize = 200;
