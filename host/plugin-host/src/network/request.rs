//! Requests and answers as plugins see them, independent of the contract's
//! version.

use std::fmt;

/// A piece of a header value, query value, body or message to be signed.
pub(crate) enum Part {
    /// Verbatim.
    Text(String),
    /// The secret at this pointer.
    Secret(String),
    /// `Basic` and base64 of `user:secret` (RFC 7617).
    Basic(String, String),
    /// The secret, `application/x-www-form-urlencoded`.
    FormEncoded(String),
    /// The secret as the inside of a JSON string.
    JsonEscaped(String),
    /// The value captured under this name.
    Captured(String),
    /// A signature or digest, by its handle.
    Output(u32, Encoding),
}

/// How a signature or digest is written.
#[derive(Clone, Copy)]
pub(crate) enum Encoding {
    Hex,
    Base64,
    Base64Url,
}

/// One header or query field.
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) value: Vec<Part>,
}

/// A request as the plugin words it.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) query: Vec<Field>,
    pub(crate) headers: Vec<Field>,
    pub(crate) body: Option<Vec<Part>>,
    pub(crate) endpoint: Option<String>,
}

/// The answer as the plugin sees it.
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) captured: Vec<String>,
}

/// Why the plugin gets no answer.
pub(crate) enum SendError {
    Denied(String),
    Timeout,
    TooLarge,
    /// The plugin is not told why.
    Unreachable,
}

/// A rule that a request breaks.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Denial {
    /// Names the rule and never a secret's value.
    pub(crate) rule: String,
    /// The line of configuration that would allow it, for the operator only.
    pub(crate) cure: Option<String>,
}

impl Denial {
    pub(crate) fn new(rule: impl Into<String>) -> Self {
        Self { rule: rule.into(), cure: None }
    }
}

/// For the operator: the rule, and the cure where there is one.
impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cure {
            Some(cure) => write!(f, "{}; to allow it: {cure}", self.rule),
            None => f.write_str(&self.rule),
        }
    }
}
