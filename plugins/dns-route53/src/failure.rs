//! Turns AWS's refusals into text that a person can act on.

use bursar_plugin_sdk::http::{Response, Service};
use bursar_plugin_sdk::{Error, Violations};

use crate::config::Config;
use crate::xml::Element;

/// The error of the DNS API's answer.
/// Codes: <https://docs.aws.amazon.com/Route53/latest/APIReference/CommonErrors.html>.
pub(crate) fn of(response: &Response, config: &Config) -> Error {
    let Some(Said { code, message }) = Said::in_xml(response) else { return ROUTE_53.error(response) };
    match code.as_str() {
        "NoSuchHostedZone" => Error::NotFound(format!(
            "Route 53 has no hosted zone with that id: {message} Give the id of a zone in the account of {}.",
            config.principal()
        )),
        "AccessDenied" | "AccessDeniedException" => Error::Denied(format!(
            "Route 53 refused the request: {message} Allow {} in the policy of {}.",
            action(&message).unwrap_or("the missing action"),
            config.principal()
        )),
        code => common(code, &message, &ROUTE_53).unwrap_or_else(|| ROUTE_53.error(response)),
    }
}

/// The error of `AssumeRole`'s answer. The host exposes its code and message.
pub(crate) fn of_role(response: &Response, role: &str) -> Error {
    let Some(Said { code, message }) = Said::exposed(response) else { return STS.error(response) };
    match code.as_str() {
        "AccessDenied" => Error::Denied(format!(
            "AWS STS refused to assume {role}: {message} Allow the user sts:AssumeRole on it, and name the user in the \
             role's trust policy, with this credential's external id if it asks for one."
        )),
        "ValidationError" => Violations::one("/role", "invalid", format!("AWS STS refused the role: {message}")).into(),
        code => common(code, &message, &STS).unwrap_or_else(|| STS.error(response)),
    }
}

/// Whether a change was refused because the record set changed since it was
/// read.
pub(crate) fn is_stale(response: &Response) -> bool {
    Said::in_xml(response).is_some_and(|said| {
        said.code == "InvalidChangeBatch"
            && ["but it was not found", "do not match the current values"].iter().any(|it| said.message.contains(it))
    })
}

fn common(code: &str, message: &str, service: &Service) -> Option<Error> {
    let service = service.name;
    Some(match code {
        // Route 53 throttles with HTTP 400 and gives no time.
        "Throttling"
        | "ThrottlingException"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "PriorRequestNotComplete" => Error::Throttled(None),
        "SignatureDoesNotMatch" | "RequestExpired" if message.contains("expired") || message.contains("not yet") => {
            Error::Denied(format!("{service} refused the time of the request: {message} Set this machine's clock."))
        }
        "SignatureDoesNotMatch" => Error::Denied(format!(
            "{service} refused the signature: the secret access key does not belong to the access key id. Paste both again."
        )),
        "InvalidClientTokenId" | "UnrecognizedClientException" | "InvalidAccessKeyId" => Error::Denied(format!(
            "{service} does not know the access key: it was deactivated or deleted, or its id is mistyped. Create another."
        )),
        _ => return None,
    })
}

/// `route53:GetChange` in `... is not authorized to perform: route53:GetChange on resource: ...`.
fn action(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("not authorized to perform: ")?;
    rest.split_whitespace().next().map(|action| action.trim_end_matches('.'))
}

struct Said {
    code: String,
    message: String,
}

impl Said {
    fn in_xml(response: &Response) -> Option<Self> {
        let document = Element::parse(response.text())?;
        let part = |name| document.text_at(name).map(str::to_owned);
        // InvalidChangeBatch may come with a list of messages instead of an error.
        if document.name() == "InvalidChangeBatch" {
            let messages: Vec<_> =
                document.at("Messages")?.all("Message").map(|message| message.text().trim()).collect();
            return Some(Self { code: "InvalidChangeBatch".into(), message: ended(&messages.join(" ")) });
        }
        Some(Self { code: part("Error/Code")?, message: ended(&part("Error/Message").unwrap_or_default()) })
    }

    fn exposed(response: &Response) -> Option<Self> {
        let value = response.value()?;
        let part = |name: &str| value[name].as_str().map(str::to_owned);
        Some(Self { code: part("error-code")?, message: ended(&part("error-message").unwrap_or_default()) })
    }
}

fn ended(sentence: &str) -> String {
    let sentence = sentence.trim();
    if sentence.is_empty() || sentence.ends_with('.') { sentence.to_owned() } else { format!("{sentence}.") }
}

pub(crate) const ROUTE_53: Service = Service {
    name: "Route 53",
    cure: "Check the access key and the policy of its user.",
    said: |response| Said::in_xml(response).map(|said| said.message),
};

pub(crate) const STS: Service = Service {
    name: "AWS STS",
    cure: "Check the access key and the role.",
    said: |response| Said::exposed(response).map(|said| said.message),
};
