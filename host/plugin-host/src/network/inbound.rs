//! From an answer off the wire to what the plugin may see of it.

use bursar_domain::plugin::TokenEndpoint;

use super::endpoint;
use super::request::Response;
use super::transport::WireAnswer;
use super::vault::Vault;

/// Why an answer that came is not handed on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Unfit {
    TooLarge,
    Encoded,
    /// A token, of an endpoint that is not declared.
    Token,
}

impl Unfit {
    /// The rule.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "the answer has more than 100 headers, 16 KiB of headers or 1 MiB of body",
            Self::Token => "the answer holds a token: declare the token endpoint and name it, so that it is captured",
            Self::Encoded => "the answer is encoded though that was not asked for: secrets in it could not be found",
        }
    }
}

/// Holds an answer to the bounds of one. Outside of a declared token endpoint it
/// must not be one with a token, which nobody would keep from the plugin.
///
/// # Errors
///
/// See [`Unfit`].
pub(crate) fn admit(answer: &WireAnswer, captured: bool) -> Result<(), Unfit> {
    let header_bytes: usize = answer.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    if answer.headers.len() > MAX_HEADERS || header_bytes > MAX_HEADER_BYTES || answer.body.len() > MAX_ANSWER_BYTES {
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
    if !captured && endpoint::holds_token(&answer.body) { Err(Unfit::Token) } else { Ok(()) }
}

/// What the plugin may see: of a token endpoint's answer what the manifest
/// exposes, of any other everything but the secrets in it.
pub(crate) fn response(answer: &WireAnswer, endpoint: Option<&TokenEndpoint>, vault: &mut Vault) -> Response {
    let Some(endpoint) = endpoint else {
        let known = vault.known();
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
    let opened = endpoint::open(endpoint, answer.status, &answer.body, vault.known());
    let captured = opened.captured.iter().map(|(name, _)| name.clone()).collect();
    for (name, value) in opened.captured {
        vault.capture(&endpoint.name, &name, value);
    }
    let wait = answer.headers.iter().filter(|(name, value)| name == "retry-after" && value.len() <= MAX_WAIT_BYTES);
    let headers = std::iter::once(("content-type".to_owned(), "application/json".to_owned()))
        .chain(wait.map(|(name, value)| (name.clone(), vault.known().scrub_text(&String::from_utf8_lossy(value)))))
        .collect();
    Response { status: answer.status, headers, body: opened.exposed.to_string().into_bytes(), captured }
}

/// Bytes of an answer's body.
pub(crate) const MAX_ANSWER_BYTES: usize = 1 << 20;
const MAX_HEADERS: usize = 100;
const MAX_HEADER_BYTES: usize = 16 << 10;
/// A number of seconds, or a date (RFC 9110, section 10.2.3).
const MAX_WAIT_BYTES: usize = 40;
/// A session is as good as a token.
const WITHHELD: [&str; 2] = ["set-cookie", "set-cookie2"];
