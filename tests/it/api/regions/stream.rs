//! Server-sent events, read whole or as they come.

use std::time::Duration;

use serde_json::Value;

use crate::support::{Client, Server};

/// One event; without a name where it only tells an id, or nothing.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) data: Value,
}

/// An account's events as they come.
pub(super) struct Watching {
    response: reqwest::Response,
    unread: String,
    /// What came first, where it was more than a place.
    first: Option<Sent>,
    /// The id that was told last.
    pub(super) at: String,
}

/// The events of a whole answer that have a name.
pub(super) fn named(text: &str) -> Vec<Sent> {
    text.split(BLANK).map(Sent::read).filter(|sent| !sent.name.is_empty()).collect()
}

impl Watching {
    /// Watches as `client`, after the event with the id `last` or from now.
    pub(super) async fn start(server: &Server, client: &Client, account: &str, last: Option<&str>) -> Self {
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().expect("an HTTP client");
        let url = format!("{}/v1/accounts/{account}/events", server.base());
        let mut request = http.get(url).bearer_auth(client.token());
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut watching = Self { response, unread: String::new(), first: None, at: String::new() };
        // Where it begins.
        let first = watching.next().await.expect("a place, or that everything is to be read again");
        watching.first = Some(first).filter(|first| !first.name.is_empty());
        watching
    }

    /// The next block; `None` at the end.
    pub(super) async fn next(&mut self) -> Option<Sent> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        loop {
            if let Some(end) = self.unread.find(BLANK) {
                let block: String = self.unread.drain(..end + BLANK.len()).collect();
                let sent = Sent::read(&block);
                if !sent.id.is_empty() {
                    self.at.clone_from(&sent.id);
                }
                return Some(sent);
            }
            let more = self.response.chunk().await.ok()??;
            self.unread.push_str(std::str::from_utf8(&more).expect("text"));
        }
    }

    /// Waits for an event for which `wanted` holds; others go by.
    pub(super) async fn until(&mut self, what: &str, wanted: impl Fn(&Sent) -> bool) -> Sent {
        let waiting = async {
            loop {
                let sent = self.next().await.unwrap_or_else(|| panic!("the stream ended before {what}"));
                if wanted(&sent) {
                    return sent;
                }
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("{what} is not told"))
    }
}

impl Sent {
    fn read(block: &str) -> Self {
        let field = |name: &str| {
            let of_it = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            of_it.unwrap_or_default().trim_start().to_owned()
        };
        Self { id: field("id"), name: field("event"), data: serde_json::from_str(&field("data")).unwrap_or_default() }
    }
}

/// Between two events.
const BLANK: &str = "\n\n";
const PATIENCE: Duration = Duration::from_mins(1);
