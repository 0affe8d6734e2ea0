//! What came back, and what every answer must keep to.

use reqwest::header::HeaderMap;
use serde_json::Value;

/// An answer, read whole.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
    /// The body where it is JSON, else `Null`.
    pub(crate) body: Value,
}

impl Reply {
    pub(crate) async fn read(method: &str, path: &str, response: reqwest::Response) -> Self {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let bytes = response.bytes().await.expect("a whole answer").to_vec();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let reply = Self { method: method.to_owned(), path: path.to_owned(), status, headers, bytes, body };
        reply.keeps_to_conventions();
        reply
    }

    /// The body, if the status is the expected one.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        self.assert_status(status);
        self.body
    }

    /// This answer, if the status is the expected one.
    #[track_caller]
    pub(crate) fn assert_status(&self, status: u16) -> &Self {
        assert_eq!(
            self.status,
            status,
            "{} {} answered {}",
            self.method,
            self.path,
            String::from_utf8_lossy(&self.bytes)
        );
        self
    }

    /// `(pointer, code)` of every violation, sorted; the status must be 422.
    #[track_caller]
    pub(crate) fn violations(&self) -> Vec<(&str, &str)> {
        self.assert_status(422);
        self.errors()
    }

    /// `(pointer, code)` of every error whatever the status, sorted.
    #[track_caller]
    pub(crate) fn errors(&self) -> Vec<(&str, &str)> {
        let errors = self.body["errors"].as_array().unwrap_or_else(|| panic!("no errors in {}", self.body));
        let mut told: Vec<_> = errors.iter().map(|error| (text(&error["pointer"]), text(&error["code"]))).collect();
        told.sort_unstable();
        told
    }

    /// The pointers of a 422, sorted, each once.
    #[track_caller]
    pub(crate) fn pointers(&self) -> Vec<&str> {
        let mut pointers: Vec<_> = self.violations().into_iter().map(|(pointer, _)| pointer).collect();
        pointers.dedup();
        pointers
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("a printable header"))
    }

    #[track_caller]
    pub(crate) fn etag(&self) -> String {
        self.header("etag").unwrap_or_else(|| panic!("{} {} has no ETag", self.method, self.path)).to_owned()
    }

    /// What holds for every answer of the API, so that no test has to ask.
    #[track_caller]
    fn keeps_to_conventions(&self) {
        let shown = String::from_utf8_lossy(&self.bytes);
        let at = format!("{} {} {}: {shown}", self.method, self.path, self.status);
        let request_id = self.header("x-request-id").unwrap_or_else(|| panic!("no X-Request-Id: {at}"));
        if self.path.starts_with("/v1") {
            assert_eq!(self.header("cache-control"), Some("no-store"), "{at}");
        }
        // What is not in place in a region, or why a node is not ready, is the answer
        // that was asked for and no error.
        let unready = (self.status == 409 && self.body["ready"] == false)
            || (self.status == 503 && self.body["status"] == "notReady");
        if self.status < 400 || unready {
            return;
        }
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{at}");
        let kind = text(&self.body["type"]);
        assert!(kind.starts_with("/problems/"), "{at}");
        assert!(!text(&self.body["title"]).is_empty(), "{at}");
        assert_eq!(self.body["status"], self.status, "{at}");
        assert_eq!(self.body["requestId"], request_id, "{at}");
        assert!(self.body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{at}");
        match self.status {
            401 => assert!(self.header("www-authenticate").is_some_and(|value| value.starts_with("Bearer")), "{at}"),
            422 => {
                let errors = self.body["errors"].as_array().unwrap_or_else(|| panic!("no errors: {at}"));
                assert!(!errors.is_empty(), "{at}");
                for error in errors {
                    let mut members: Vec<_> =
                        error.as_object().expect("an object").keys().map(String::as_str).collect();
                    members.sort_unstable();
                    assert_eq!(members, ["code", "message", "pointer"], "{at}");
                    assert!(!text(&error["message"]).is_empty() && !text(&error["code"]).is_empty(), "{at}");
                }
            }
            429 | 503 => {
                let seconds = self.header("retry-after").unwrap_or_else(|| panic!("no Retry-After: {at}"));
                assert!(seconds.parse::<u32>().is_ok_and(|seconds| seconds > 0), "{at}");
            }
            _ => {}
        }
    }
}

/// A JSON string's text, empty for what is none.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
