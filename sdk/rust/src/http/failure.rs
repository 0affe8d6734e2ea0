//! Maps responses to the contract's errors.

use super::{Response, retry_after, wire};
use crate::{Error, Violations};

/// A provider, as error messages describe it.
#[derive(Clone, Copy, Debug)]
pub struct Service {
    /// Such as `Cloudflare`.
    pub name: &'static str,
    /// What to do when it refuses the credential, in one sentence: which
    /// permission is missing and where to grant it.
    pub cure: &'static str,
    /// Reads the provider's own message from an error response. It must not
    /// repeat anything that was sent.
    pub said: fn(&Response) -> Option<String>,
}

impl Service {
    /// The contract's error for an error response, by its status:
    ///
    /// | status | error |
    /// |---|---|
    /// | 401, 403 | [`Error::Denied`] |
    /// | 404 | [`Error::NotFound`] |
    /// | 429, and 503 with `Retry-After` | [`Error::Throttled`] |
    /// | 5xx, 3xx | [`Error::Unavailable`] |
    /// | other | [`Error::Invalid`], at the form as a whole |
    ///
    /// If a provider uses another status for one of these, check that first and
    /// use the functions below.
    #[must_use]
    pub fn error(&self, response: &Response) -> Error {
        match response.status {
            401 | 403 => self.denied(response),
            404 => self.not_found(response),
            429 => self.throttled(response),
            503 if response.header("retry-after").is_some() => self.throttled(response),
            500.. => self.unavailable(response),
            status @ 300..=399 => Error::Unavailable(format!(
                "{} answers with a redirect (HTTP {status}), which is not followed: give the final address.",
                self.name
            )),
            _ => self.refused(response),
        }
    }

    /// The provider refused the credential: its message, and the cure.
    #[must_use]
    pub fn denied(&self, response: &Response) -> Error {
        Error::Denied(format!("{} refused the credential{} {}", self.name, self.words(response), self.cure))
    }

    /// The provider does not know what was requested.
    #[must_use]
    pub fn not_found(&self, response: &Response) -> Error {
        Error::NotFound(format!("{} does not know what was requested{}", self.name, self.words(response)))
    }

    /// The provider asks to wait, for as long as `Retry-After` says.
    #[must_use]
    pub fn throttled(&self, response: &Response) -> Error {
        Error::Throttled(response.header("retry-after").and_then(retry_after::seconds))
    }

    /// The provider is failing; a later retry may work.
    #[must_use]
    pub fn unavailable(&self, response: &Response) -> Error {
        Error::Unavailable(format!("{} is failing{}", self.name, self.words(response)))
    }

    /// The provider refused the request itself, such as a record that conflicts
    /// with another one: a retry cannot help, and the credential is not at
    /// fault. Unlike that of [`Error::Internal`], the message reaches people.
    #[must_use]
    pub fn refused(&self, response: &Response) -> Error {
        let message = format!("{} refused the request{}", self.name, self.words(response));
        Violations::one("", "invalid", message).into()
    }

    /// The answer is not one of the provider's API: it is cut off, or the web
    /// page of a proxy.
    #[must_use]
    pub fn unreadable(&self, response: &Response) -> Error {
        let what = match title(response.text()) {
            Some(title) => format!("a web page, \u{201c}{title}\u{201d}"),
            None if response.text().trim_start().starts_with('<') => "a document that is not its API's".to_owned(),
            None => "an answer that is cut off or not its API's".to_owned(),
        };
        Error::Unavailable(format!("{} sent {what} (HTTP {}).", self.name, response.status))
    }

    /// ` (HTTP 403): message.`, or the title of the web page it sent.
    fn words(&self, response: &Response) -> String {
        let status = response.status;
        let said = (self.said)(response).map(|said| one_line(&said)).filter(|said| !said.is_empty());
        match said.or_else(|| title(response.text())) {
            Some(said) if said.ends_with(['.', '!', '?', '\u{2026}']) => format!(" (HTTP {status}): {said}"),
            Some(said) => format!(" (HTTP {status}): {said}."),
            None => format!(" (HTTP {status})."),
        }
    }
}

/// The contract's error for a request without a response.
pub(super) fn of_transport(error: wire::Error, url: &str) -> Error {
    let host = url.split("//").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
    match error {
        wire::Error::Denied(rule) => Error::Denied(format!("The request to {host} was not sent: {rule}")),
        wire::Error::Timeout => Error::Unavailable(format!("{host} did not answer in time.")),
        wire::Error::TooLarge => Error::Unavailable(format!("The answer from {host} is too large.")),
        wire::Error::Transport(why) => Error::Unavailable(format!("{host} could not be reached: {why}")),
        wire::Error::Unsupported => Error::Unsupported("This call may not use the network.".into()),
    }
}

/// The title of an HTML page.
fn title(text: &str) -> Option<String> {
    // ASCII lower-casing keeps byte positions.
    let lower = text.to_ascii_lowercase();
    let open = lower.find("<title")?;
    let start = open + lower[open..].find('>')? + 1;
    let end = start + lower[start..].find("</title")?;
    let title = one_line(&text[start..end]);
    (!title.is_empty()).then_some(title)
}

/// Collapses blanks and control characters, and cuts after [`MAX_SAID_CHARS`].
fn one_line(text: &str) -> String {
    let words: Vec<_> = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|it| !it.is_empty()).collect();
    let line = words.join(" ");
    match line.char_indices().nth(MAX_SAID_CHARS) {
        Some((end, _)) => format!("{}\u{2026}", &line[..end]),
        None => line,
    }
}

const MAX_SAID_CHARS: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: Service = Service { name: "Example", cure: "Give a token that may write.", said };

    fn said(response: &Response) -> Option<String> {
        Some(response.value()?.get("message")?.as_str()?.to_owned())
    }

    fn answered(status: u16, headers: &[(&str, &str)], body: &str) -> Error {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let wire = wire::Response { status, headers, body: body.into(), captured: Vec::new() };
        let response = Response::new(wire);
        response.ok(&SERVICE).map(|_| ()).expect_err("not a success")
    }

    fn same(left: &Error, right: &Error) {
        assert_eq!(format!("{left:?}"), format!("{right:?}"));
    }

    #[test]
    fn a_refusal_names_the_providers_words_and_the_cure() {
        same(
            &answered(403, &[], r#"{"message":"missing\n permission"}"#),
            &Error::Denied(
                "Example refused the credential (HTTP 403): missing permission. Give a token that may write.".into(),
            ),
        );
        same(
            &answered(401, &[], ""),
            &Error::Denied("Example refused the credential (HTTP 401). Give a token that may write.".into()),
        );
    }

    #[test]
    fn waiting_is_told_in_seconds() {
        same(&answered(429, &[("retry-after", "7")], "{}"), &Error::Throttled(Some(7)));
        same(&answered(429, &[], "{}"), &Error::Throttled(None));
        same(&answered(503, &[("retry-after", "7")], "{}"), &Error::Throttled(Some(7)));
    }

    #[test]
    fn a_page_of_a_proxy_is_told_by_its_title() {
        let page = "<html><head><TITLE>502 Bad\n Gateway</TITLE></head><body>secret stack</body></html>";
        same(&answered(502, &[], page), &Error::Unavailable("Example is failing (HTTP 502): 502 Bad Gateway.".into()));
        same(&answered(503, &[], "oops"), &Error::Unavailable("Example is failing (HTTP 503).".into()));
    }

    #[test]
    fn other_statuses_have_their_words() {
        same(
            &answered(404, &[], r#"{"message":"No such zone."}"#),
            &Error::NotFound("Example does not know what was requested (HTTP 404): No such zone.".into()),
        );
        assert!(matches!(answered(302, &[], ""), Error::Unavailable(_)));
        assert!(matches!(answered(400, &[], ""), Error::Invalid(_)));
    }

    #[test]
    fn a_refusal_of_the_request_is_about_the_form_as_a_whole() {
        let wire = wire::Response {
            status: 400,
            headers: Vec::new(),
            body: r#"{"message":"There is a CNAME"}"#.into(),
            captured: Vec::new(),
        };
        let Error::Invalid(violations) = SERVICE.refused(&Response::new(wire)) else { panic!("not a violation") };
        assert_eq!(violations[0].message, "Example refused the request (HTTP 400): There is a CNAME.");
        assert_eq!((violations[0].pointer.as_str(), violations[0].code.as_str()), ("", "invalid"));
    }

    #[test]
    fn long_words_are_cut() {
        assert_eq!(one_line(&"ü".repeat(400)).chars().count(), MAX_SAID_CHARS + 1);
    }
}
