//! Turns Google's refusals into text that a person can act on.

use bursar_plugin_sdk::Error;
use bursar_plugin_sdk::http::{Response, Service};
use bursar_plugin_sdk::json::Value;

/// The error of the DNS API's answer.
/// Reasons: <https://cloud.google.com/dns/docs/reference/rest/v1>, and those of
/// all Google APIs.
pub(crate) fn of(response: &Response, project: &str) -> Error {
    let Some(Said { reason, message }) = Said::read(response) else { return CLOUD_DNS.error(response) };
    match (response.status, reason.as_str()) {
        // Google throttles with HTTP 403 too.
        (_, "rateLimitExceeded" | "userRateLimitExceeded" | "quotaExceeded") => CLOUD_DNS.throttled(response),
        (_, "accessNotConfigured" | "SERVICE_DISABLED") => Error::Denied(format!(
            "Google Cloud DNS refused the request: {message} Enable the API: gcloud services enable dns.googleapis.com --project {project}"
        )),
        (403, _) => Error::Denied(format!(
            "Google Cloud DNS refused the request: {message} Grant the service account a role with the permissions of this \
             provider's README on the project {project} or on the managed zone."
        )),
        _ => CLOUD_DNS.error(response),
    }
}

/// Whether a change was refused because the record set changed since it was
/// read.
pub(crate) fn is_stale(response: &Response) -> bool {
    match response.status {
        409 | 412 => true,
        404 => Said::read(response).is_some_and(|said| said.message.contains("entity.change.deletions")),
        _ => false,
    }
}

/// The error of a refused sign-in. The host exposes its error and description.
pub(crate) fn of_sign_in(response: &Response, email: &str) -> Error {
    let exposed = response.value().unwrap_or_default();
    let (Some(error), description) = (exposed["error"].as_str(), exposed["error-description"].as_str()) else {
        return OAUTH.error(response);
    };
    if response.status == 429 || response.status >= 500 {
        return OAUTH.error(response);
    }
    let description = description.unwrap_or_default();
    let cure = match error {
        "invalid_grant" if description.contains("Invalid JWT Signature") => {
            "The key was deleted or is another account's: create a key and paste its file.".to_owned()
        }
        "invalid_grant" if description.contains("account not found") => {
            format!("There is no service account {email}: create one, and a key for it.")
        }
        "invalid_grant" if description.contains("Token must be a short-lived token") => {
            "This machine's clock is wrong: set it.".to_owned()
        }
        "disabled_client" | "deleted_client" => format!("The service account {email} is disabled: enable it."),
        _ => OAUTH.cure.to_owned(),
    };
    Error::Denied(format!("Google refused to sign the service account in: {cure} ({error}: {description})"))
}

struct Said {
    reason: String,
    message: String,
}

impl Said {
    /// `{"error": {"code", "message", "errors": [{"reason"}], "status"}}`
    fn read(response: &Response) -> Option<Self> {
        let value = response.value()?;
        let error = value.get("error")?;
        let part = |pointer: &str| error.pointer(pointer).and_then(Value::as_str);
        let reason = part("/errors/0/reason").or_else(|| part("/details/0/reason")).or_else(|| part("/status"));
        let message = part("/message")?.trim();
        let end = if message.ends_with('.') { "" } else { "." };
        Some(Self { reason: reason.unwrap_or_default().to_owned(), message: format!("{message}{end}") })
    }
}

pub(crate) const CLOUD_DNS: Service = Service {
    name: "Google Cloud DNS",
    cure: "Check the role of the service account.",
    said: |response| Said::read(response).map(|said| said.message),
};

pub(crate) const OAUTH: Service = Service {
    name: "Google",
    cure: "Check the service account and its key.",
    said: |response| response.value()?.get("error-description")?.as_str().map(str::to_owned),
};
