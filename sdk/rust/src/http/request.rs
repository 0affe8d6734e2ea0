use serde::Serialize;

use super::{Parts, Response, Secret, body, encoded, failure, wire};
use crate::json::{self, Value};
use crate::{Error, host};

/// One HTTPS request.
#[derive(Clone, Debug)]
#[must_use = "a request does nothing until it is sent"]
pub struct Request {
    wire: wire::Request,
    /// An error while building it, returned by `send`.
    failed: Option<Error>,
}

impl Request {
    /// `method` is in upper case; `url` is `https://host[:port]/path` without
    /// query, fragment or user. Encode path segments with
    /// [`encoded`](super::encoded).
    pub fn new(method: &str, url: impl Into<String>) -> Self {
        let wire = wire::Request {
            method: method.to_owned(),
            url: url.into(),
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            endpoint: None,
        };
        Self { wire, failed: None }
    }

    /// `GET`.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new("GET", url)
    }

    /// `POST`.
    pub fn post(url: impl Into<String>) -> Self {
        Self::new("POST", url)
    }

    /// `PUT`.
    pub fn put(url: impl Into<String>) -> Self {
        Self::new("PUT", url)
    }

    /// `PATCH`.
    pub fn patch(url: impl Into<String>) -> Self {
        Self::new("PATCH", url)
    }

    /// `DELETE`.
    pub fn delete(url: impl Into<String>) -> Self {
        Self::new("DELETE", url)
    }

    /// Adds a field to the query, unencoded.
    pub fn query(mut self, name: &str, value: impl Into<Parts>) -> Self {
        self.wire.query.push(wire::Field { name: name.to_owned(), value: value.into().into_vec() });
        self
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: impl Into<Parts>) -> Self {
        self.wire.headers.push(wire::Field { name: name.to_owned(), value: value.into().into_vec() });
        self
    }

    /// `Authorization: Bearer` (RFC 6750): a [`Secret`], or
    /// [`Parts::captured`].
    pub fn bearer(self, token: impl Into<Parts>) -> Self {
        self.header("Authorization", Parts::from("Bearer ").then(token))
    }

    /// `Authorization: Basic` (RFC 7617).
    pub fn basic(self, user: &str, password: Secret<'_>) -> Self {
        self.header("Authorization", Parts::new().basic(user, password))
    }

    /// A JSON body.
    pub fn json(mut self, document: &impl Serialize) -> Self {
        if let Ok(text) = json::to_string(document) {
            return self.body("application/json", text);
        }
        self.failed = Some(Error::Internal("a request's body is not JSON".into()));
        self
    }

    /// A JSON body with a secret in place of the value at each pointer.
    pub fn json_with_secrets(self, document: &Value, secrets: &[(&str, Secret<'_>)]) -> Self {
        self.body("application/json", body::json_with_secrets(document, secrets))
    }

    /// A form (`application/x-www-form-urlencoded`). Text is encoded here; pass
    /// a secret as [`Parts::form_encoded`].
    pub fn form(self, fields: &[(&str, Parts)]) -> Self {
        let mut parts = Parts::new();
        for (number, (name, value)) in fields.iter().enumerate() {
            let and = if number == 0 { "" } else { "&" };
            parts = parts.text(format!("{and}{}=", encoded(name)));
            parts = match value.as_text() {
                Some(text) => parts.text(encoded(text)),
                None => parts.then(value.clone()),
            };
        }
        self.body("application/x-www-form-urlencoded", parts)
    }

    /// A body of any type.
    pub fn body(mut self, media_type: &str, body: impl Into<Parts>) -> Self {
        self.wire.body = Some(body.into().into_vec());
        self.header("Content-Type", media_type)
    }

    /// Addresses one of the manifest's token endpoints, whose answer the host
    /// captures.
    pub fn endpoint(mut self, name: &str) -> Self {
        self.wire.endpoint = Some(name.to_owned());
        self
    }

    /// Sends the request. A response of any status is `Ok`: see
    /// [`Response::ok`].
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] without a response; [`Error::Denied`] if the host
    /// refuses to send the request, with the rule; [`Error::Internal`] if the
    /// request could not be built.
    pub fn send(self) -> Result<Response, Error> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let answer = host::send(&self.wire).map_err(|error| failure::of_transport(error, &self.wire.url))?;
        Ok(Response::new(answer))
    }

    /// What will be sent.
    #[must_use]
    pub fn wire(&self) -> &wire::Request {
        &self.wire
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Part;

    #[test]
    fn a_form_encodes_text_and_leaves_secrets_to_the_host() {
        let request = Request::post("https://example.com/token").form(&[
            ("scope", "https://example.com/.default".into()),
            ("client_secret", Parts::new().form_encoded(Secret("/clientSecret"))),
        ]);
        let body = request.wire().body.clone().unwrap();
        assert_eq!(
            body,
            [
                Part::Text("scope=https%3A%2F%2Fexample.com%2F.default&client_secret=".into()),
                Part::FormEncoded("/clientSecret".into())
            ]
        );
        assert_eq!(request.wire().headers[0].name, "Content-Type");
    }

    #[test]
    fn a_bearer_token_is_named_and_not_held() {
        let request = Request::get("https://example.com/").bearer(Secret("/apiToken"));
        let value = &request.wire().headers[0].value;
        assert_eq!(value, &[Part::Text("Bearer ".into()), Part::Secret("/apiToken".into())]);
    }

    #[test]
    fn without_a_host_nothing_is_sent() {
        assert!(matches!(Request::get("https://example.com/").send(), Err(Error::Unsupported(_))));
    }
}
