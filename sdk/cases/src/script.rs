//! Plays a case's exchanges in order.

use url::Url;

use crate::{Answer, Exchange};

/// A request as it would go on the wire.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    /// Such as `POST`.
    pub method: String,
    /// With the query.
    pub url: Url,
    /// In order; names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Empty if there is none.
    pub body: Vec<u8>,
}

impl Sent {
    /// The header of that name; several are joined as RFC 9110, section 5.3,
    /// joins them.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        let values: Vec<_> = self
            .headers
            .iter()
            .filter(|(known, _)| known == name)
            .map(|(_, value)| String::from_utf8_lossy(value))
            .collect();
        if values.is_empty() { None } else { Some(values.join(", ")) }
    }
}

/// The exchanges of one case, and how far they have been played.
#[derive(Clone, Debug)]
pub struct Script {
    exchanges: Vec<Exchange>,
    played: usize,
    difference: Option<String>,
}

impl Script {
    /// A script at its start.
    #[must_use]
    pub fn new(exchanges: &[Exchange]) -> Self {
        Self { exchanges: exchanges.to_vec(), played: 0, difference: None }
    }

    /// The answer to `sent`; `None` if it is not the next expected request, and
    /// for every request after that.
    pub fn answer(&mut self, sent: &Sent) -> Option<&Answer> {
        if self.difference.is_some() {
            return None;
        }
        let number = self.played + 1;
        let Some(exchange) = self.exchanges.get(self.played) else {
            self.difference =
                Some(format!("request {number} is one more than the case has:\n{}", indented(&sent.show())));
            return None;
        };
        if let Some(why) = exchange.request.difference(sent) {
            self.difference = Some(format!(
                "request {number}: {why}\n  wanted\n{}  got\n{}",
                indented(&exchange.request.show()),
                indented(&sent.show())
            ));
            return None;
        }
        self.played += 1;
        Some(&exchange.answer)
    }

    /// Whether every exchange happened.
    ///
    /// # Errors
    ///
    /// The first request that differed, or that was not made.
    pub fn finish(self) -> Result<(), String> {
        if let Some(difference) = self.difference {
            return Err(difference);
        }
        match self.exchanges.get(self.played) {
            None => Ok(()),
            Some(next) => Err(format!(
                "{} of {} requests were made; not this one:\n{}",
                self.played,
                self.exchanges.len(),
                indented(&next.request.show())
            )),
        }
    }
}

fn indented(text: &str) -> String {
    text.lines().flat_map(|line| ["    ", line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn script() -> Script {
        let exchange = |path: &str, status: u16| json!({ "request": { "method": "GET", "url": format!("https://a.example{path}") }, "answer": { "status": status } });
        let exchanges: Vec<Exchange> =
            serde_json::from_value(json!([exchange("/one", 200), exchange("/two", 404)])).unwrap();
        Script::new(&exchanges)
    }

    fn get(path: &str) -> Sent {
        let url = format!("https://a.example{path}").parse().unwrap();
        Sent { method: "GET".into(), url, headers: vec![("accept".into(), b"a".to_vec())], body: Vec::new() }
    }

    #[test]
    fn every_exchange_happens_in_order() {
        let mut script = script();
        assert_eq!(script.answer(&get("/one")).unwrap().status, Some(200));
        assert_eq!(script.answer(&get("/two")).unwrap().status, Some(404));
        assert_eq!(script.finish(), Ok(()));
    }

    #[test]
    fn one_too_few_is_named() {
        let mut script = script();
        script.answer(&get("/one"));
        assert_eq!(
            script.finish().unwrap_err(),
            "1 of 2 requests were made; not this one:\n    GET https://a.example/two\n"
        );
    }

    #[test]
    fn one_too_many_is_shown() {
        let mut script = script();
        for path in ["/one", "/two"] {
            assert!(script.answer(&get(path)).is_some());
        }
        assert!(script.answer(&get("/three")).is_none());
        let said = script.finish().unwrap_err();
        assert_eq!(said, "request 3 is one more than the case has:\n    GET https://a.example/three\n    accept: a\n");
    }

    #[test]
    fn nothing_follows_a_difference() {
        let mut script = script();
        assert!(script.answer(&get("/two")).is_none());
        assert!(script.answer(&get("/one")).is_none());
        assert_eq!(
            script.finish().unwrap_err(),
            "request 1: path: wanted /one, got /two\n  wanted\n    GET https://a.example/one\n  got\n    GET https://a.example/two\n    accept: a\n"
        );
    }
}
