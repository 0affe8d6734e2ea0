//! Compares a request with the one that a case expects: names the first
//! difference, and shows both in full.

use std::fmt::Write as _;

use serde_json::Value;

use crate::exchange::{Request, texts};
use crate::script::Sent;

impl Request {
    /// The first difference to `sent`.
    pub(crate) fn difference(&self, sent: &Sent) -> Option<String> {
        let differs = |what: &str, wanted: &str, got: &str| Some(format!("{what}: wanted {wanted}, got {got}"));
        if self.method != sent.method {
            return differs("method", &self.method, &sent.method);
        }
        let origin = |url: &url::Url| url.origin().ascii_serialization();
        if origin(&self.url) != origin(&sent.url) {
            return differs("host", &origin(&self.url), &origin(&sent.url));
        }
        if self.url.path() != sent.url.path() {
            return differs("path", self.url.path(), sent.url.path());
        }
        let query = |url: &url::Url| pairs(url.query().unwrap_or_default().as_bytes());
        pairs_differ(&query(&self.url), &query(&sent.url))
            .map(|why| format!("query: {why}"))
            .or_else(|| self.headers_differ(sent))
            .or_else(|| self.bodies_differ(sent))
    }

    fn headers_differ(&self, sent: &Sent) -> Option<String> {
        self.headers.iter().find_map(|(name, wanted)| {
            let got = sent.header(name);
            match got {
                Some(got) if got == *wanted => None,
                got => Some(format!(
                    "header {name}: wanted {wanted:?}, got {}",
                    got.map_or_else(|| "none".to_owned(), |got| format!("{got:?}"))
                )),
            }
        })
    }

    fn bodies_differ(&self, sent: &Sent) -> Option<String> {
        if let Some(wanted) = &self.json {
            return match serde_json::from_slice(&sent.body) {
                Ok(got) => json_differs("", wanted, &got).map(|why| format!("json body at {why}")),
                Err(error) => Some(format!("json body: what was sent is not JSON ({error})")),
            };
        }
        if let Some(wanted) = &self.form {
            let fields = wanted.iter().flat_map(|(name, value)| {
                texts(value).unwrap_or_default().into_iter().map(move |text| (name.clone(), text.to_owned()))
            });
            let mut fields: Vec<_> = fields.collect();
            fields.sort();
            return pairs_differ(&fields, &pairs(&sent.body)).map(|why| format!("form body: {why}"));
        }
        let wanted = self.body.as_deref().unwrap_or_default().as_bytes();
        if wanted == sent.body {
            return None;
        }
        if wanted.is_empty() {
            return Some(format!("body: wanted none, got {} bytes", sent.body.len()));
        }
        let at = wanted.iter().zip(&sent.body).take_while(|(a, b)| a == b).count();
        let near = |bytes: &[u8]| {
            let from = at.saturating_sub(NEAR_BYTES);
            String::from_utf8_lossy(&bytes[from.min(bytes.len())..(at + NEAR_BYTES).min(bytes.len())]).into_owned()
        };
        Some(format!("body at byte {at}: wanted ...{:?}..., got ...{:?}...", near(wanted), near(&sent.body)))
    }

    /// The expected request, for people.
    pub(crate) fn show(&self) -> String {
        let mut text = format!("{} {}\n", self.method, self.url);
        for (name, value) in &self.headers {
            line(&mut text, &format!("{name}: {value}"));
        }
        let body = match (&self.json, &self.form, &self.body) {
            (Some(json), _, _) => json.to_string(),
            (_, Some(form), _) => Value::Object(form.clone()).to_string(),
            (_, _, body) => body.clone().unwrap_or_default(),
        };
        if !body.is_empty() {
            line(&mut text, &body);
        }
        text
    }
}

impl Sent {
    /// The request as it was sent, for people.
    pub(crate) fn show(&self) -> String {
        let mut text = format!("{} {}\n", self.method, self.url);
        for (name, value) in &self.headers {
            line(&mut text, &format!("{name}: {}", String::from_utf8_lossy(value)));
        }
        if !self.body.is_empty() {
            line(&mut text, &String::from_utf8_lossy(&self.body));
        }
        text
    }
}

fn line(text: &mut String, line: &str) {
    let _infallible = writeln!(text, "{line}");
}

/// Decoded fields of a query or form, sorted.
fn pairs(encoded: &[u8]) -> Vec<(String, String)> {
    let mut pairs: Vec<_> = form_urlencoded::parse(encoded).into_owned().collect();
    pairs.sort();
    pairs
}

fn pairs_differ(wanted: &[(String, String)], got: &[(String, String)]) -> Option<String> {
    let missing = wanted.iter().find(|pair| count(wanted, pair) > count(got, pair));
    let surplus = got.iter().find(|pair| count(got, pair) > count(wanted, pair));
    let show = |(name, value): &(String, String)| format!("{name}={value}");
    match (missing, surplus) {
        (None, None) => None,
        (Some(missing), None) => Some(format!("wanted {}, which was not sent", show(missing))),
        (None, Some(surplus)) => Some(format!("got {}, which is not wanted", show(surplus))),
        (Some(missing), Some(surplus)) => Some(format!("wanted {}, got {}", show(missing), show(surplus))),
    }
}

fn count(pairs: &[(String, String)], pair: &(String, String)) -> usize {
    pairs.iter().filter(|other| *other == pair).count()
}

/// The first difference between two documents. The order matters in lists, but
/// not in objects.
fn json_differs(at: &str, wanted: &Value, got: &Value) -> Option<String> {
    let place = if at.is_empty() { "/" } else { at };
    match (wanted, got) {
        (Value::Object(wanted), Value::Object(got)) => {
            let missing = wanted.iter().find(|(name, _)| !got.contains_key(*name));
            if let Some((name, value)) = missing {
                return Some(format!("{at}/{name}: wanted {value}, which was not sent"));
            }
            let surplus = got.iter().find(|(name, _)| !wanted.contains_key(*name));
            if let Some((name, value)) = surplus {
                return Some(format!("{at}/{name}: got {value}, which is not wanted"));
            }
            wanted.iter().find_map(|(name, value)| json_differs(&format!("{at}/{name}"), value, &got[name]))
        }
        (Value::Array(wanted), Value::Array(got)) if wanted.len() == got.len() => wanted
            .iter()
            .zip(got)
            .enumerate()
            .find_map(|(index, (wanted, got))| json_differs(&format!("{at}/{index}"), wanted, got)),
        (Value::Array(wanted), Value::Array(got)) => {
            Some(format!("{place}: wanted {} entries, got {}", wanted.len(), got.len()))
        }
        (wanted, got) if wanted == got => None,
        (wanted, got) => Some(format!("{place}: wanted {wanted}, got {got}")),
    }
}

/// How much of a body is shown on each side of a difference.
const NEAR_BYTES: usize = 24;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sent(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Sent {
        Sent {
            method: method.into(),
            url: url.parse().unwrap(),
            headers: headers.iter().map(|(name, value)| ((*name).into(), value.as_bytes().to_vec())).collect(),
            body: body.into(),
        }
    }

    fn difference(request: Value, sent: &Sent) -> Option<String> {
        serde_json::from_value::<Request>(request).unwrap().difference(sent)
    }

    #[test]
    fn query_form_and_json_are_compared_in_any_order() {
        let url = "https://a.example/p?x=1&y=a%20b&x=2";
        let got = sent("POST", "https://a.example/p?y=a+b&x=2&x=1", &[("accept", "*/*")], r#"{"b":[1],"a":{"c":2}}"#);
        let json = json!({ "a": { "c": 2 }, "b": [1] });
        assert_eq!(difference(json!({ "method": "POST", "url": url, "json": json }), &got), None);
        let form = sent("POST", url, &[], "b=2%2B&a=1&b=3");
        let wanted = json!({ "a": "1", "b": ["3", "2+"] });
        assert_eq!(difference(json!({ "method": "POST", "url": url, "form": wanted }), &form), None);
    }

    #[test]
    fn the_first_difference_is_named() {
        let url = "https://a.example/p?x=1";
        let got = sent("POST", url, &[("authorization", "Bearer t")], r#"{"a":[{"b":1}]}"#);
        let wanted = |part: Value| {
            let mut request = json!({ "method": "POST", "url": url, "json": { "a": [{ "b": 1 }] } });
            part.as_object().unwrap().iter().for_each(|(name, value)| request[name] = value.clone());
            request
        };
        assert_eq!(difference(wanted(json!({})), &got), None);
        let table = [
            (json!({ "method": "PUT" }), "method: wanted PUT, got POST"),
            (json!({ "url": "https://b.example/p?x=1" }), "host: wanted https://b.example, got https://a.example"),
            (json!({ "url": "https://a.example/q?x=1" }), "path: wanted /q, got /p"),
            (json!({ "url": "https://a.example/p?x=2" }), "query: wanted x=2, got x=1"),
            (json!({ "url": "https://a.example/p" }), "query: got x=1, which is not wanted"),
            (json!({ "url": "https://a.example/p?x=1&x=1" }), "query: wanted x=1, which was not sent"),
            (
                json!({ "headers": { "authorization": "Bearer u" } }),
                r#"header authorization: wanted "Bearer u", got "Bearer t""#,
            ),
            (json!({ "headers": { "accept": "a" } }), r#"header accept: wanted "a", got none"#),
            (json!({ "json": { "a": [{ "b": 2 }] } }), "json body at /a/0/b: wanted 2, got 1"),
            (json!({ "json": { "a": [] } }), "json body at /a: wanted 0 entries, got 1"),
            (json!({ "json": {} }), r#"json body at /a: got [{"b":1}], which is not wanted"#),
            (json!({ "json": null }), "body: wanted none, got 15 bytes"),
            (json!({ "json": null, "form": { "a": "1" } }), r#"form body: wanted a=1, got {"a":[{"b":1}]}="#),
            (
                json!({ "json": null, "body": r#"{"a":[{"b":2}]}"# }),
                r#"body at byte 11: wanted ..."{\"a\":[{\"b\":2}]}"..., got ..."{\"a\":[{\"b\":1}]}"..."#,
            ),
        ];
        for (part, says) in table {
            assert_eq!(difference(wanted(part), &got).as_deref(), Some(says));
        }
        let none = sent("GET", "https://a.example/", &[], "");
        let difference = difference(json!({ "method": "GET", "url": "https://a.example/", "json": {} }), &none);
        assert!(difference.unwrap().starts_with("json body: what was sent is not JSON"));
    }
}
