//! A request in few words, and what came of it in one string.

use crate::bursar::plugin::http::{self, Field, Request};
use crate::bursar::plugin::types::Part;

/// A `POST` without anything.
pub(crate) fn post(url: &str) -> Request {
    Request {
        method: "POST".to_owned(),
        url: url.to_owned(),
        query: Vec::new(),
        headers: Vec::new(),
        body: None,
        endpoint: None,
    }
}

impl Request {
    pub(crate) fn method(mut self, method: &str) -> Self {
        self.method = method.to_owned();
        self
    }

    pub(crate) fn header(mut self, name: &str, value: Vec<Part>) -> Self {
        self.headers.push(Field { name: name.to_owned(), value });
        self
    }

    pub(crate) fn query(mut self, name: &str, value: Vec<Part>) -> Self {
        self.query.push(Field { name: name.to_owned(), value });
        self
    }

    pub(crate) fn body(mut self, media_type: &str, body: Vec<Part>) -> Self {
        self = self.header("content-type", vec![text(media_type)]);
        self.body = Some(body);
        self
    }

    pub(crate) fn endpoint(mut self, name: &str) -> Self {
        self.endpoint = Some(name.to_owned());
        self
    }

    /// Everything that came back, or the refusal.
    pub(crate) fn send(self) -> String {
        match http::send(&self) {
            Ok(answer) => format!("{answer:?} {}", String::from_utf8_lossy(&answer.body)),
            Err(error) => format!("{error:?}"),
        }
    }
}

pub(crate) fn text(text: &str) -> Part {
    Part::Text(text.to_owned())
}

pub(crate) fn secret(pointer: &str) -> Part {
    Part::Secret(pointer.to_owned())
}
