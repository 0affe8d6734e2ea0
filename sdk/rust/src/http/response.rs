use serde::de::DeserializeOwned;

use super::{Service, wire};
use crate::Error;
use crate::json::{self, Value};

/// A response of any status.
#[derive(Clone, Debug)]
pub struct Response {
    /// Such as 200.
    pub status: u16,
    headers: Vec<(String, String)>,
    body: String,
    captured: Vec<String>,
}

impl Response {
    pub(super) fn new(wire: wire::Response) -> Self {
        let wire::Response { status, headers, body, captured } = wire;
        let body =
            String::from_utf8(body).unwrap_or_else(|error| String::from_utf8_lossy(&error.into_bytes()).into_owned());
        Self { status, headers, body, captured }
    }

    /// Whether the status is 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The first header of that lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as text; invalid UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.body
    }

    /// The body, if it is JSON.
    #[must_use]
    pub fn value(&self) -> Option<Value> {
        json::from_str(&self.body).ok()
    }

    /// The names under which the host captured a token endpoint's answer.
    #[must_use]
    pub fn captured(&self) -> &[String] {
        &self.captured
    }

    /// The response itself, if it is a success.
    ///
    /// # Errors
    ///
    /// [`Service::error`] otherwise.
    pub fn ok(self, service: &Service) -> Result<Self, Error> {
        if self.is_success() { Ok(self) } else { Err(service.error(&self)) }
    }

    /// The JSON body.
    ///
    /// # Errors
    ///
    /// [`Service::unreadable`] when it is not JSON of that shape.
    pub fn json<T: DeserializeOwned>(&self, service: &Service) -> Result<T, Error> {
        json::from_str(&self.body).map_err(|_| service.unreadable(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: Service = Service { name: "Example", cure: "", said: |_| None };

    fn response(body: &str) -> Response {
        let headers = vec![("a".into(), "1".into()), ("a".into(), "2".into())];
        Response::new(wire::Response { status: 200, headers, body: body.into(), captured: Vec::new() })
    }

    fn words(body: &str) -> String {
        match response(body).json::<Value>(&SERVICE) {
            Err(Error::Unavailable(words)) => words,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_body_that_is_not_the_apis_is_told_in_words() {
        assert_eq!(words("{\"a\":"), "Example sent an answer that is cut off or not its API's (HTTP 200).");
        assert_eq!(words("<html><title>Login</title>"), "Example sent a web page, \u{201c}Login\u{201d} (HTTP 200).");
        assert_eq!(words(" <x/>"), "Example sent a document that is not its API's (HTTP 200).");
    }

    #[test]
    fn the_first_header_of_a_name_counts() {
        assert_eq!(response("").header("a"), Some("1"));
        assert_eq!(response("").header("b"), None);
    }
}
