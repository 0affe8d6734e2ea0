//! Turns an answer into what the plugin may see of it.

use bursar_kernel::plugin::TokenEndpoint;

use super::call_secrets::{CallSecrets, Screen};
use super::endpoint;
use super::request::Response;
use super::transport::WireAnswer;

/// Why an answer is withheld from the plugin.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Unfit {
    TooLarge,
    Encoded,
    /// It holds a token of an undeclared endpoint.
    Token,
    /// It repeats a secret that the plugin wrote itself.
    Repeats,
}

impl Unfit {
    /// The rule.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "the answer has more than 100 headers, 16 KiB of headers or 1 MiB of body",
            Self::Token => "the answer holds a token: declare the token endpoint and name it, so that it is captured",
            Self::Repeats => "the answer repeats a secret that check wrote: it is withheld",
            Self::Encoded => "the answer is encoded though that was not asked for: secrets in it could not be found",
        }
    }
}

/// Checks an answer's limits. Outside a declared token endpoint it must not hold
/// a token, since nothing would keep that from the plugin. A scrubbed secret
/// counts with the size of its replacement.
///
/// # Errors
///
/// See [`Unfit`].
pub(crate) fn admit(answer: &WireAnswer, captured: bool, screen: &Screen) -> Result<(), Unfit> {
    let known = &screen.known;
    let header_bytes: usize = answer
        .headers
        .iter()
        .map(|(name, value)| known.scrubbed_bytes(name.as_bytes()) + known.scrubbed_bytes(value))
        .sum();
    let too_large = answer.headers.len() > MAX_HEADERS
        || header_bytes > MAX_HEADER_BYTES
        || (!captured && known.scrubbed_bytes(&answer.body) > MAX_ANSWER_BYTES);
    if too_large {
        return Err(Unfit::TooLarge);
    }
    let encoded = answer.headers.iter().any(|(name, value)| match name.as_str() {
        "content-encoding" => !value.eq_ignore_ascii_case(b"identity") && !value.is_empty(),
        "transfer-encoding" => !value.eq_ignore_ascii_case(b"chunked"),
        _ => false,
    });
    if encoded {
        return Err(Unfit::Encoded);
    }
    if !captured && endpoint::holds_token(&answer.body) {
        return Err(Unfit::Token);
    }
    let repeats = screen.repeats(&answer.body)
        || answer.headers.iter().any(|(name, value)| screen.repeats(name.as_bytes()) || screen.repeats(value));
    if repeats { Err(Unfit::Repeats) } else { Ok(()) }
}

/// What the plugin may see: of a token endpoint's answer what the manifest
/// exposes, of any other everything but the secrets in it.
pub(crate) fn response(answer: &WireAnswer, endpoint: Option<&TokenEndpoint>, secrets: &mut CallSecrets) -> Response {
    let Some(endpoint) = endpoint else {
        let known = secrets.known();
        return Response {
            status: answer.status,
            headers: answer
                .headers
                .iter()
                .filter(|(name, _)| !WITHHELD.contains(&name.as_str()))
                .map(|(name, value)| (known.scrub_text(name), known.scrub_text(&String::from_utf8_lossy(value))))
                .collect(),
            body: known.scrub(&answer.body),
            captured: Vec::new(),
        };
    };
    let opened = endpoint::open(endpoint, answer.status, &answer.body, secrets.known());
    let captured = opened.captured.iter().map(|(name, _)| name.clone()).collect();
    for (name, value) in opened.captured {
        secrets.capture(&endpoint.name, &name, value);
    }
    let wait = answer.headers.iter().filter(|(name, _)| name == "retry-after");
    let headers = std::iter::once(("content-type".to_owned(), "application/json".to_owned()))
        .chain(wait.map(|(name, value)| (name.clone(), secrets.known().scrub_text(&String::from_utf8_lossy(value)))))
        .filter(|(_, value)| value.len() <= MAX_WAIT_BYTES)
        .collect();
    Response { status: answer.status, headers, body: opened.exposed.to_string().into_bytes(), captured }
}

/// Bytes of an answer's body as shown to the plugin.
const MAX_ANSWER_BYTES: usize = 1 << 20;
/// Bytes of an answer's body as received: with room for echoes of a request's
/// secrets, which are scrubbed.
pub(crate) const MAX_WIRE_BYTES: usize = 2 << 20;
const MAX_HEADERS: usize = 100;
const MAX_HEADER_BYTES: usize = 16 << 10;
/// A number of seconds, or a date (RFC 9110, section 10.2.3).
const MAX_WAIT_BYTES: usize = 40;
/// A session cookie is as valuable as a token.
const WITHHELD: [&str; 2] = ["set-cookie", "set-cookie2"];
