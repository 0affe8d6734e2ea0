//! A server that echoes everything it receives, plain, in base64 and in hex: what
//! a plugin could learn from a careless service.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bursar_kernel::plugin::{Manifest, TokenEndpoint};
use bursar_kernel::secret::put;
use bursar_plugin_cases::{Answer, Exchange, Sent};
use serde_json::{Value, json};
use url::Url;

use super::needle::Needle;
use super::plant::Planter;

/// The server, in one call.
pub(crate) struct Echo {
    /// The case's answers, which let the plugin get as far as it does there.
    answers: Vec<Answer>,
    endpoints: Vec<TokenEndpoint>,
    tokens: Vec<Token>,
    sent: Vec<Sent>,
}

/// A token that the server issues at a token endpoint: a secret like any other.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    /// Of the endpoint, in the manifest.
    pub(crate) endpoint: String,
    /// The name it is captured under.
    pub(crate) name: String,
    /// Its place in the answer.
    place: String,
    word: String,
    pub(crate) needle: Needle,
}

impl Token {
    /// The tokens that the server issues. The same each time.
    pub(crate) fn all(manifest: &Manifest) -> Vec<Self> {
        let mut planter = Planter::new(TOKENS);
        let captured = manifest.token_endpoints.iter().flat_map(|endpoint| {
            endpoint.capture.iter().map(move |(name, place)| (endpoint.name.clone(), name.clone(), place.clone()))
        });
        captured
            .filter_map(|(endpoint, name, place)| {
                let word = planter.word();
                Some(Self { needle: Needle::new(&word)?, endpoint, name, place, word })
            })
            .collect()
    }
}

impl Echo {
    /// Answers as `exchanges` do, with an echo added; further requests are answered
    /// by the echo alone.
    pub(crate) fn new(manifest: &Manifest, exchanges: &[Exchange]) -> Self {
        Self {
            answers: exchanges.iter().map(|exchange| exchange.answer.clone()).collect(),
            endpoints: manifest.token_endpoints.clone(),
            tokens: Token::all(manifest),
            sent: Vec::new(),
        }
    }

    pub(crate) fn answer(&mut self, sent: Sent) -> Answer {
        let scripted = self.answers.get(self.sent.len()).cloned();
        let mut answer =
            scripted.unwrap_or_else(|| Answer { status: Some(200), json: Some(json!({})), ..Answer::default() });
        if answer.failure.is_none() {
            self.give_tokens(&sent, &mut answer);
            repeat(&sent, &mut answer);
        }
        self.sent.push(sent);
        answer
    }

    pub(crate) fn into_sent(self) -> Vec<Sent> {
        self.sent
    }

    /// Replaces the tokens in a token endpoint's answer by ours.
    fn give_tokens(&self, sent: &Sent, answer: &mut Answer) {
        if answer.status.is_some_and(|status| status >= 300) {
            return;
        }
        let asked = self.endpoints.iter().filter(|endpoint| is_for(endpoint, &sent.url));
        for endpoint in asked {
            for token in self.tokens.iter().filter(|token| token.endpoint == endpoint.name) {
                match (&mut answer.json, &mut answer.body) {
                    (Some(document), _) => put(document, &token.place, Value::String(token.word.clone())),
                    (None, Some(text)) => *text = in_xml(text, &token.place, &token.word),
                    (None, None) => {}
                }
            }
        }
    }
}

/// Whether the address is the endpoint's, whatever its fields hold.
fn is_for(endpoint: &TokenEndpoint, url: &Url) -> bool {
    let address = url.as_str().split(['?', '#']).next().unwrap_or_default();
    let (wanted, got): (Vec<_>, Vec<_>) = (endpoint.url.split('/').collect(), address.split('/').collect());
    // A field is `{/pointer}`, which has a slash of its own.
    let mut wanted = wanted.into_iter();
    for part in got {
        match wanted.next() {
            Some("{") => while wanted.next().is_some_and(|rest| !rest.ends_with('}')) {},
            Some(same) if same == part => {}
            _ => return false,
        }
    }
    wanted.next().is_none()
}

/// `text` with the content of the first element of that name replaced by `word`.
fn in_xml(text: &str, place: &str, word: &str) -> String {
    let name = place.rsplit('/').next().unwrap_or_default();
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    match text.split_once(&open).and_then(|(before, rest)| Some((before, rest.split_once(&close)?.1))) {
        Some((before, after)) => format!("{before}{open}{word}{close}{after}"),
        None => text.to_owned(),
    }
}

/// Adds everything that was sent to the answer: in headers, and in a body that is
/// a JSON object.
fn repeat(sent: &Sent, answer: &mut Answer) {
    let mut all = format!("{} {}", sent.method, sent.url).into_bytes();
    for (name, value) in &sent.headers {
        all.extend([b"; ", name.as_bytes(), b": ", value].concat());
    }
    all.extend([b"; ", sent.body.as_slice()].concat());
    let plain = String::from_utf8_lossy(&all).into_owned();
    let echo = [("plain", plain), ("base64", STANDARD.encode(&all)), ("hex", hex::encode(&all))];
    for (spelling, text) in &echo {
        let line = text.chars().filter(|c| !c.is_control()).take(HEADER_CHARS).collect();
        answer.headers.insert(format!("x-echo-{spelling}"), line);
    }
    if let Some(Value::Object(document)) = &mut answer.json {
        let echo = echo.into_iter().map(|(spelling, text)| (spelling.to_owned(), Value::String(text)));
        document.insert("echo".to_owned(), Value::Object(echo.collect()));
    }
}

/// The seed of tokens, which keeps them apart from planted secrets.
const TOKENS: u64 = 1;
/// A host limits the size of headers.
const HEADER_CHARS: usize = 3000;

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        serde_json::from_value(json!({
            "id": "a", "title": "A", "summary": "", "category": "test", "version": "1.0.0", "formats": [],
            "tokenEndpoints": [{ "name": "token", "url": "https://login.example/{/tenant}/token", "capture": { "access": "/access_token" } }],
        }))
        .unwrap()
    }

    fn post(url: &str) -> Sent {
        let headers = vec![("authorization".into(), b"Bearer t".to_vec())];
        Sent { method: "POST".into(), url: url.parse().unwrap(), headers, body: b"a=b".to_vec() }
    }

    #[test]
    fn it_repeats_all_it_got_beside_what_a_case_answers() {
        let exchanges: Vec<Exchange> = serde_json::from_value(json!([
            { "request": { "method": "POST", "url": "https://a.example/" }, "answer": { "status": 201, "json": { "id": 1 } } },
            { "request": { "method": "POST", "url": "https://a.example/" }, "answer": { "failure": "timeout" } },
        ]))
        .unwrap();
        let mut echo = Echo::new(&manifest(), &exchanges);
        let answer = echo.answer(post("https://a.example/x?y=z"));
        let plain = "POST https://a.example/x?y=z; authorization: Bearer t; a=b";
        let document = answer.json.unwrap();
        assert_eq!((answer.status, &document["id"], &document["echo"]["plain"]), (Some(201), &json!(1), &json!(plain)));
        assert_eq!(document["echo"]["base64"], STANDARD.encode(plain));
        assert_eq!(answer.headers["x-echo-hex"], hex::encode(plain));
        assert!(echo.answer(post("https://a.example/")).failure.is_some());
        let after = echo.answer(post("https://a.example/"));
        assert_eq!((after.status, after.json.unwrap()["echo"]["plain"].is_string()), (Some(200), true));
        assert_eq!(echo.into_sent().len(), 3);
    }

    #[test]
    fn a_token_endpoint_gives_out_a_token_of_ours() {
        let tokens = Token::all(&manifest());
        let mut echo = Echo::new(&manifest(), &[]);
        let answer = echo.answer(post("https://login.example/tenant/token"));
        assert_eq!(answer.json.unwrap()["access_token"], tokens[0].word);
        for other in
            ["https://login.example/tenant/other", "https://login.example/token", "https://login.example/a/b/token"]
        {
            assert!(echo.answer(post(other)).json.unwrap().get("access_token").is_none(), "{other}");
        }
        assert_eq!(in_xml("<a><b>x</b></a>", "/a/b", "word"), "<a><b>word</b></a>");
        assert_eq!(in_xml("<a/>", "/a/b", "word"), "<a/>");
    }
}
