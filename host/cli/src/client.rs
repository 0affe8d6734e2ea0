//! Client of the broker's HTTP API: paths, JSON, RFC 9457 problems.

use std::path::Path;
use std::time::Duration;

use futures::{Stream, StreamExt as _, TryStreamExt as _};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, IF_MATCH, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde_json::{Value, json};
use sse_stream::{Sse, SseByteStream};
use zeroize::Zeroizing;

use crate::failure::{Failure, Problem};

/// A connection to one broker with one token.
pub(crate) struct Client {
    http: reqwest::Client,
    base: Url,
    /// `Bearer ...`, marked sensitive; `None` for requests without a token.
    authorization: Option<HeaderValue>,
}

/// Query parameters.
pub(crate) type Query<'a> = [(&'a str, String)];

impl Client {
    /// Connects to the broker at `addr`, trusting only the certificates in
    /// `ca_file` if given. Performs no I/O except reading that file.
    ///
    /// # Errors
    ///
    /// If the address, the token's syntax or the file is invalid.
    pub(crate) fn new(addr: &str, token: &str, ca_file: Option<&Path>) -> Result<Self, Failure> {
        let bearer = Zeroizing::new(format!("Bearer {token}"));
        let mut authorization = HeaderValue::from_str(&bearer)
            .map_err(|_| Failure::Usage("the token contains characters that are not valid in a token".to_owned()))?;
        authorization.set_sensitive(true);
        Ok(Self { authorization: Some(authorization), ..Self::anonymous(addr, ca_file)? })
    }

    /// Like [`Client::new`], for requests that need no token.
    ///
    /// # Errors
    ///
    /// If the address or the file is invalid.
    pub(crate) fn anonymous(addr: &str, ca_file: Option<&Path>) -> Result<Self, Failure> {
        let base = address(addr)?;
        let mut http = reqwest::Client::builder()
            .user_agent(concat!("bursar/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT);
        if is_loopback(&base) {
            // Never send a token for this machine through a proxy.
            http = http.no_proxy();
        }
        if let Some(file) = ca_file {
            http = http.tls_certs_only(certificates(file)?);
        } else if base.scheme() == "http" {
            // Without TLS the system's roots are not needed.
            http = http.tls_certs_only([]);
        }
        let http =
            http.build().map_err(|error| Failure::Failed(format!("cannot set up TLS: {}", innermost(&error))))?;
        Ok(Self { http, base, authorization: None })
    }

    /// Whether the token would cross a network unencrypted.
    pub(crate) fn is_exposed(&self) -> bool {
        self.base.scheme() == "http" && !is_loopback(&self.base)
    }

    /// `GET`; returns the JSON response.
    pub(crate) async fn get(&self, path: &[&str], query: &Query<'_>) -> Result<Value, Failure> {
        json(self.send(self.request(Method::GET, path, query)?).await?).await
    }

    /// `GET` of a report, whose status may be an error status.
    pub(crate) async fn report(&self, path: &[&str], query: &Query<'_>) -> Result<Value, Failure> {
        let response = self.exchange(self.request(Method::GET, path, query)?).await?;
        let is_report = response.status().is_success() || has_media_type(&response, JSON);
        if is_report { json(response).await } else { Err(problem(response).await) }
    }

    /// `POST`; returns the JSON response, null if it has no body.
    pub(crate) async fn post(&self, path: &[&str], body: &Value) -> Result<Value, Failure> {
        self.post_with(path, &[], body).await
    }

    /// Like [`Client::post`], with a query.
    pub(crate) async fn post_with(&self, path: &[&str], query: &Query<'_>, body: &Value) -> Result<Value, Failure> {
        json(self.send(self.request(Method::POST, path, query)?.json(body)).await?).await
    }

    /// `POST` without a body; returns the JSON response.
    pub(crate) async fn act(&self, path: &[&str]) -> Result<Value, Failure> {
        json(self.send(self.request(Method::POST, path, &[])?).await?).await
    }

    /// `POST` without a body; streams the response body.
    pub(crate) async fn download(
        &self,
        path: &[&str],
    ) -> Result<impl Stream<Item = Result<impl AsRef<[u8]> + use<>, Failure>> + use<>, Failure> {
        let response = self.send(self.request(Method::POST, path, &[])?).await?;
        let addr = self.base.origin().ascii_serialization();
        Ok(response
            .bytes_stream()
            .map_err(move |error| Failure::Unreachable { addr: addr.clone(), reason: innermost(&error) }))
    }

    /// `POST` without a body, for operations that may take minutes. Calls `progress`
    /// with the data of each `progress` event and returns the result, which may
    /// also come as a 409 that is not a problem document.
    pub(crate) async fn post_with_progress(
        &self,
        path: &[&str],
        mut progress: impl FnMut(&Value),
    ) -> Result<Value, Failure> {
        let request = self.request(Method::POST, path, &[])?.header(ACCEPT, format!("{EVENTS}, {JSON}"));
        let response = self.exchange(request).await?;
        if !response.status().is_success() {
            let is_result = response.status() == StatusCode::CONFLICT && has_media_type(&response, JSON);
            return if is_result { json(response).await } else { Err(problem(response).await) };
        }
        if !has_media_type(&response, EVENTS) {
            return json(response).await;
        }
        let mut events = SseByteStream::new(response.bytes_stream());
        while let Some(event) = events.next().await {
            let Sse { event: Some(name), data: Some(data), .. } = event.map_err(|error| self.stream_failure(&error))?
            else {
                continue;
            };
            match (name.as_str(), serde_json::from_str(&data)) {
                ("progress", Ok(step)) => progress(&step),
                ("result", Ok(result)) => return Ok(result),
                ("problem", _) => {
                    let problem = serde_json::from_str(&data).unwrap_or_else(|_| Problem::bare(500));
                    return Err(Failure::Problem(Box::new(problem)));
                }
                _ => {}
            }
        }
        Err(Failure::Failed("the broker closed the stream before the result; try again".to_owned()))
    }

    /// `PUT`; returns the JSON response.
    pub(crate) async fn put(&self, path: &[&str], body: &Value) -> Result<Value, Failure> {
        json(self.send(self.request(Method::PUT, path, &[])?.json(body)).await?).await
    }

    /// `PATCH` with a merge patch, RFC 7396, conditional on `if_match` if given.
    pub(crate) async fn patch(
        &self,
        path: &[&str],
        query: &Query<'_>,
        body: &Value,
        if_match: Option<&str>,
    ) -> Result<Value, Failure> {
        let request = self.request(Method::PATCH, path, query)?.json(body);
        json(self.send(conditional(request, if_match)).await?).await
    }

    /// `DELETE`, conditional on `if_match` if given.
    pub(crate) async fn delete(&self, path: &[&str], query: &Query<'_>, if_match: Option<&str>) -> Result<(), Failure> {
        let request = self.request(Method::DELETE, path, query)?;
        self.send(conditional(request, if_match)).await.map(drop)
    }

    /// Every item of a list, or the first `limit`, in the API's form of a page.
    pub(crate) async fn list(&self, path: &[&str], query: &Query<'_>, limit: Option<usize>) -> Result<Value, Failure> {
        let mut items = Vec::new();
        let mut cursor = None;
        loop {
            let wanted = limit.map_or(PAGE, |limit| PAGE.min(limit - items.len()));
            let mut page = self.page(path, query, cursor.as_deref(), wanted).await?;
            if let Value::Array(more) = page["items"].take() {
                items.extend(more);
            }
            let next = page["nextCursor"].as_str().map(str::to_owned);
            let enough = limit.is_some_and(|limit| items.len() >= limit);
            if next.is_none() || enough {
                return Ok(json!({"items": items, "nextCursor": next}));
            }
            cursor = next;
        }
    }

    /// One page of a list.
    pub(crate) async fn page(
        &self,
        path: &[&str],
        query: &Query<'_>,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Value, Failure> {
        let mut query = query.to_vec();
        query.push(("limit", limit.to_string()));
        query.extend(cursor.map(|cursor| ("cursor", cursor.to_owned())));
        self.get(path, &query).await
    }

    fn request(&self, method: Method, path: &[&str], query: &Query<'_>) -> Result<RequestBuilder, Failure> {
        // URL parsing drops these segments, so the request would go elsewhere.
        if path.iter().any(|segment| matches!(*segment, "" | "." | "..")) {
            return Err(Failure::Problem(Box::new(Problem::bare(404))));
        }
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| Failure::Usage("the address is not an HTTP URL".to_owned()))?
            .pop_if_empty()
            .extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = self.http.request(method, url);
        Ok(match &self.authorization {
            Some(bearer) => request.header(AUTHORIZATION, bearer.clone()),
            None => request,
        })
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let response = self.exchange(request).await?;
        if response.status().is_success() { Ok(response) } else { Err(problem(response).await) }
    }

    /// Returns the response, whatever its status.
    async fn exchange(&self, request: RequestBuilder) -> Result<Response, Failure> {
        request.send().await.map_err(|error| self.unreachable(innermost(&error)))
    }

    fn unreachable(&self, reason: String) -> Failure {
        Failure::Unreachable { addr: self.base.origin().ascii_serialization(), reason }
    }

    /// The failure of an event stream.
    fn stream_failure(&self, error: &sse_stream::Error) -> Failure {
        match error {
            sse_stream::Error::Body(source) => {
                let cause = source.downcast_ref::<reqwest::Error>();
                self.unreachable(cause.map_or_else(|| "the connection was closed".to_owned(), innermost))
            }
            _ => Failure::Failed("the server's events do not follow the API".to_owned()),
        }
    }
}

/// The segments of a path under an account.
pub(crate) fn in_account<'a>(account: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
    [&["v1", "accounts", account], rest].concat()
}

fn address(addr: &str) -> Result<Url, Failure> {
    let wrong = || Failure::Usage(format!("the address `{}` must be http(s)://HOST[:PORT]", without_user(addr)));
    let url = Url::parse(addr).map_err(|_| wrong())?;
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.host().is_some();
    if plain && matches!(url.scheme(), "http" | "https") { Ok(url) } else { Err(wrong()) }
}

/// The address without user and password, which must not be repeated.
fn without_user(addr: &str) -> &str {
    addr.rsplit_once('@').map_or(addr, |(_, host)| host)
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn certificates(file: &Path) -> Result<Vec<reqwest::Certificate>, Failure> {
    let pem = std::fs::read(file).map_err(|error| Failure::io(format!("read {}", file.display()), error))?;
    let certificates = reqwest::Certificate::from_pem_bundle(&pem).unwrap_or_default();
    if certificates.is_empty() {
        return Err(Failure::Usage(format!("{} contains no PEM certificate", file.display())));
    }
    Ok(certificates)
}

fn conditional(request: RequestBuilder, if_match: Option<&str>) -> RequestBuilder {
    match if_match {
        Some(tag) if tag == "*" || tag.starts_with('"') => request.header(IF_MATCH, tag),
        Some(revision) => request.header(IF_MATCH, format!("\"{revision}\"")),
        None => request,
    }
}

/// Whether a response has a media type.
fn has_media_type(response: &Response, media_type: &str) -> bool {
    response.headers().get(CONTENT_TYPE).is_some_and(|found| found.as_bytes().starts_with(media_type.as_bytes()))
}

async fn json(response: Response) -> Result<Value, Failure> {
    if response.status() == StatusCode::NO_CONTENT {
        return Ok(Value::Null);
    }
    response
        .json()
        .await
        .map_err(|_| Failure::Failed("the server's response is not JSON: is this a Bursar broker?".to_owned()))
}

async fn problem(response: Response) -> Failure {
    let status = response.status().as_u16();
    let retry_after_seconds =
        response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let mut problem = response.json::<Problem>().await.unwrap_or_else(|_| Problem::bare(status));
    problem.status = status;
    problem.retry_after_seconds = retry_after_seconds;
    Failure::Problem(Box::new(problem))
}

/// The last cause of the chain: the most specific one, without a URL.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    if error.is_timeout() { "timed out".to_owned() } else { cause.to_string() }
}

const EVENTS: &str = "text/event-stream";
const JSON: &str = "application/json";
/// The largest page of the API.
const PAGE: usize = 500;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Between two reads of a response; a materialization may take seconds.
const READ_TIMEOUT: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked_and_passwords_in_them_not_repeated() {
        for good in ["http://127.0.0.1:8420", "https://bursar.example/base", "http://[::1]:1"] {
            assert!(address(good).is_ok(), "{good}");
        }
        for bad in ["127.0.0.1:8420", "ftp://x", "https://user:hunter2@host", "https://h?x=1"] {
            let message = address(bad).unwrap_err().to_string();
            assert!(!message.contains("hunter2"), "{message}");
        }
    }

    #[test]
    fn a_token_in_plain_text_stays_on_this_machine() {
        let exposed = |addr| Client::new(addr, "t", None).unwrap().is_exposed();
        assert!(exposed("http://10.0.0.1"));
        assert!(exposed("http://127.0.0.1.example.com"));
        for safe in ["http://127.0.0.1:8420", "http://[::1]:8420", "http://localhost"] {
            assert!(!exposed(safe), "{safe}");
        }
    }

    #[test]
    fn names_cannot_leave_their_path() {
        let client = Client::new("http://127.0.0.1:1/base/", "t", None).unwrap();
        let url = |path: &[&str]| client.request(Method::GET, path, &[]).map(|r| r.build().unwrap().url().to_string());
        assert_eq!(url(&["v1", "a/b?c#d"]).unwrap(), "http://127.0.0.1:1/base/v1/a%2Fb%3Fc%23d");
        assert!(url(&["v1", ".."]).is_err());
        assert!(url(&["v1", ""]).is_err());
    }

    #[test]
    fn the_token_is_not_in_debug_output() {
        let client = Client::new("http://127.0.0.1:1", "brs_user_hunter2", None).unwrap();
        let request = client.request(Method::GET, &["v1"], &[]).unwrap();
        assert!(!format!("{request:?}").contains("hunter2"));
    }
}
