//! The format of a case's exchanges over the network.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value};
use url::Url;

/// An expected request and its answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// What must be sent.
    pub request: Request,
    /// What comes back.
    pub answer: Answer,
}

/// A request as it goes on the wire, secrets filled in. At most one of `json`,
/// `form` and `body`; with none of them there must be no body.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Such as `POST`.
    pub method: String,
    /// With the query, which is compared in any order.
    #[serde(deserialize_with = "url")]
    pub url: Url,
    /// Names in lower case. Headers that are not listed are not compared.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Compared as JSON.
    #[serde(default)]
    pub json: Option<Value>,
    /// Compared as `application/x-www-form-urlencoded`, in any order. A value is
    /// a text, or a list of texts where a name comes more than once.
    #[serde(default)]
    pub form: Option<Map<String, Value>>,
    /// Compared byte by byte.
    #[serde(default)]
    pub body: Option<String>,
}

/// The answer to a request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The status code.
    #[serde(default)]
    pub status: Option<u16>,
    /// Names in lower case.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body as JSON, with its content type unless `headers` has one.
    #[serde(default)]
    pub json: Option<Value>,
    /// The body as text.
    #[serde(default)]
    pub body: Option<String>,
    /// The request gets no answer.
    #[serde(default)]
    pub failure: Option<WireFailure>,
}

/// Why a request gets no answer.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum WireFailure {
    /// It took too long.
    Timeout,
    /// No connection.
    Connection,
}

impl Exchange {
    /// What is wrong with it, naming the member and the cure.
    pub(crate) fn check(&self) -> Result<(), String> {
        let Self { request, answer } = self;
        if request.method.is_empty() || request.method.chars().any(|c| !c.is_ascii_uppercase()) {
            return Err(format!("`request.method` is {:?}; write it in upper case, such as POST", request.method));
        }
        if !["https", "http"].contains(&request.url.scheme()) || request.url.host().is_none() {
            return Err(format!("`request.url` is {}; write one such as https://api.example.com/v1", request.url));
        }
        if request.url.fragment().is_some() {
            return Err("`request.url` has a fragment, which is never sent; leave it out".into());
        }
        let bodies = [request.json.is_some(), request.form.is_some(), request.body.is_some()];
        if bodies.into_iter().filter(|given| *given).count() > 1 {
            return Err("`request` has more than one of `json`, `form` and `body`; keep one".into());
        }
        for (name, value) in request.form.iter().flatten() {
            texts(value).ok_or_else(|| format!("`request.form.{name}` is neither a string nor a list of strings"))?;
        }
        for (member, headers) in [("request", &request.headers), ("answer", &answer.headers)] {
            if let Some(name) = headers.keys().find(|name| **name != name.to_ascii_lowercase()) {
                return Err(format!(
                    "`{member}.headers.{name}` is not in lower case; write {}",
                    name.to_ascii_lowercase()
                ));
            }
        }
        let answered = answer.status.is_some() || answer.json.is_some() || answer.body.is_some();
        match (answer.failure, answer.status) {
            (Some(_), _) if answered || !answer.headers.is_empty() => {
                Err("`answer.failure` excludes every other member: there is no answer".into())
            }
            (None, None) => Err("`answer` has neither a `status` nor a `failure`".into()),
            (None, Some(status)) if !(100..=599).contains(&status) => {
                Err(format!("`answer.status` is {status}; it must be from 100 to 599"))
            }
            _ if answer.json.is_some() && answer.body.is_some() => {
                Err("`answer` has both `json` and `body`; keep one".into())
            }
            _ => Ok(()),
        }
    }
}

impl Answer {
    /// Headers, the content type of `json` with them.
    #[must_use]
    pub fn headers(&self) -> Vec<(String, String)> {
        let mut headers: Vec<_> = self.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        if self.json.is_some() && !self.headers.contains_key("content-type") {
            headers.push(("content-type".into(), "application/json".into()));
        }
        headers
    }

    /// The body's bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        match (&self.json, &self.body) {
            (Some(json), _) => json.to_string().into_bytes(),
            (None, Some(body)) => body.clone().into_bytes(),
            (None, None) => Vec::new(),
        }
    }
}

fn url<'de, D: Deserializer<'de>>(from: D) -> Result<Url, D::Error> {
    let text = String::deserialize(from)?;
    Url::parse(&text).map_err(|error| de::Error::custom(format_args!("`request.url` is {text}: {error}")))
}

/// The values of a form's field.
pub(crate) fn texts(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(text) => Some(vec![text]),
        Value::Array(list) => list.iter().map(Value::as_str).collect(),
        _ => None,
    }
}
