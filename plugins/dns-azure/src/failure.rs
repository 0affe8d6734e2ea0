//! Turns Azure's refusals into text that a person can act on.

use bursar_plugin_sdk::http::{Response, Service};
use bursar_plugin_sdk::{Error, Violations};

use crate::config::Config;

/// The error of a resource manager's answer.
/// Codes: <https://learn.microsoft.com/en-us/azure/azure-resource-manager/troubleshooting/common-deployment-errors>.
pub(crate) fn of(response: &Response) -> Error {
    let Some(Said { code, message }) = Said::read(response) else { return AZURE.error(response) };
    match code.as_str() {
        "AuthorizationFailed" => Error::Denied(format!(
            "Azure refused the request: {} Assign the service principal a role with that action on the zone, or on its \
             resource group if no hostedZoneName is given.",
            first_clause(&message)
        )),
        "SubscriptionNotFound" | "InvalidSubscriptionId" => {
            Error::NotFound(format!("Azure shows the service principal no such subscription: {message}"))
        }
        "ResourceGroupNotFound" => {
            Error::NotFound(format!("{message} Give the resource group that holds the zone as resourceGroupName."))
        }
        "ParentResourceNotFound" | "ResourceNotFound" => {
            Error::NotFound(format!("{message} Give a zone that is in this resource group as hostedZoneName."))
        }
        _ => AZURE.error(response),
    }
}

/// Cuts off the long scope that follows: people are shown 500 characters.
fn first_clause(message: &str) -> String {
    message.split_once(" over scope ").map_or_else(|| message.to_owned(), |(clause, _)| format!("{clause}."))
}

/// The same for a write of `records` values, which Azure limits.
pub(crate) fn of_write(response: &Response, records: usize) -> Error {
    match of(response) {
        Error::Invalid(violations) if records > MAX_RECORDS => {
            let cure = format!("Azure takes at most {MAX_RECORDS} TXT records at one name: remove old ones.");
            let said = violations.first().map_or("", |violation| violation.message.as_str());
            Violations::one("", "too-many-records", format!("{said} {cure}")).into()
        }
        other => other,
    }
}

/// The error of a refused sign-in. The host exposes its error and description.
/// Codes:
/// <https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes>.
pub(crate) fn of_sign_in(response: &Response, config: &Config) -> Error {
    let exposed = response.value().unwrap_or_default();
    let Some(description) = exposed["error-description"].as_str() else { return ENTRA.error(response) };
    if response.status == 429 || response.status >= 500 {
        return ENTRA.error(response);
    }
    let (code, words) = description.split_once(':').unwrap_or(("", description));
    // The rest is ids for Microsoft's support.
    let words = words.lines().next().unwrap_or_default().split("Trace ID").next().unwrap_or_default().trim();
    let Config { client_id, tenant_id, .. } = config;
    let cure = match code {
        "AADSTS7000215" => {
            format!("The client secret is not one of the application {client_id}: paste its value, not its id.")
        }
        "AADSTS7000222" => format!("The client secret of the application {client_id} has expired: create another."),
        "AADSTS700016" => format!("There is no application {client_id} in the tenant {tenant_id}: check both ids."),
        "AADSTS90002" | "AADSTS900023" | "AADSTS900021" => {
            format!("There is no tenant {tenant_id} in this cloud: check tenantID and environment.")
        }
        "AADSTS7000112" => format!("The application {client_id} is disabled: enable it for sign-in."),
        "AADSTS53003" | "AADSTS53009" => {
            "A conditional access policy of the tenant forbids it: exempt the service principal.".to_owned()
        }
        _ => ENTRA.cure.to_owned(),
    };
    Error::Denied(format!("Microsoft Entra refused to sign the service principal in: {cure} ({code}: {words})"))
}

struct Said {
    code: String,
    message: String,
}

impl Said {
    /// `{"error": {"code", "message"}}`, or the same without `error`.
    fn read(response: &Response) -> Option<Self> {
        let value = response.value()?;
        let error = value.get("error").filter(|error| error.is_object()).unwrap_or(&value);
        let part = |name: &str| error.get(name)?.as_str().map(str::to_owned);
        let message = part("message").unwrap_or_default();
        let message = message.trim();
        let end = if message.is_empty() || message.ends_with('.') { "" } else { "." };
        Some(Self { code: part("code")?, message: format!("{message}{end}") })
    }
}

/// Whether a 404 is about the record set and not about the zone or resource
/// group.
pub(crate) fn is_no_record_set(response: &Response) -> bool {
    response.status == 404 && Said::read(response).is_some_and(|said| said.code == "NotFound")
}

pub(crate) const AZURE: Service = Service {
    name: "Azure",
    cure: "Check the role of the service principal.",
    said: |response| Said::read(response).map(|said| said.message),
};

pub(crate) const ENTRA: Service = Service {
    name: "Microsoft Entra",
    cure: "Check tenantID, clientID and the client secret.",
    said: |response| response.value()?.get("error-description")?.as_str().map(str::to_owned),
};

/// Of a TXT record set in a public zone.
const MAX_RECORDS: usize = 20;
