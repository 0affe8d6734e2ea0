//! Checks whether a request carries a secret only where the manifest places it.
//! The host enforces that; here it is verified from outside, on what would have
//! been sent.

use bursar_kernel::plugin::{Manifest, SecretInjection};
use bursar_plugin_cases::Sent;
use serde_json::Value;
use url::Url;

use super::needle::Needle;

/// The manifest's placements of one secret.
pub(crate) struct Places<'a> {
    placements: Vec<&'a SecretInjection>,
    /// The data without secrets, for hosts that are a field of it.
    public: &'a Value,
}

impl<'a> Places<'a> {
    /// The placements of the secret at a pointer of the data.
    pub(crate) fn of_secret(manifest: &'a Manifest, pointer: &str, public: &'a Value) -> Self {
        Self { placements: manifest.placements.iter().filter(|it| it.secret == pointer).collect(), public }
    }

    /// The placements of a token that an endpoint issued.
    pub(crate) fn of_token(manifest: &'a Manifest, endpoint: &str, name: &str, public: &'a Value) -> Self {
        let endpoint = manifest.token_endpoints.iter().find(|it| it.name == endpoint);
        let placements = endpoint.iter().flat_map(|it| &it.placements).filter(|it| it.secret == name).collect();
        Self { placements, public }
    }

    /// Where `sent` carries the secret although it must not.
    pub(crate) fn strays(&self, needle: &Needle, sent: &Sent) -> Vec<String> {
        let here: Vec<&SecretInjection> = self.placements.iter().copied().filter(|it| self.is_for(it, sent)).collect();
        let may = |place: &str| here.iter().any(|it| it.place.eq_ignore_ascii_case(place));
        let mut strays = Vec::new();
        let mut look = |place: String, text: &[u8], allowed: bool| {
            if !allowed && let Some(spelling) = needle.spelled_in(text) {
                strays.push(format!("{} {}: in {place}, {spelling}", sent.method, shown(&sent.url)));
            }
        };
        look("the host".into(), sent.url.host_str().unwrap_or_default().as_bytes(), false);
        look("the path".into(), sent.url.path().as_bytes(), false);
        for (name, value) in sent.url.query_pairs() {
            look("the name of a query field".into(), name.as_bytes(), false);
            look(format!("the query field {name}"), value.as_bytes(), may(&format!("query:{name}")));
        }
        for (name, value) in &sent.headers {
            look("the name of a header".into(), name.as_bytes(), false);
            look(format!("the header {name}"), value, may(&format!("header:{name}")));
        }
        if !may("body") {
            let pointers: Vec<&str> = here.iter().filter_map(|it| it.place.strip_prefix("body:")).collect();
            for (place, text) in body_texts(&sent.body) {
                look(format!("the body at {place}"), text.as_bytes(), pointers.contains(&place.as_str()));
            }
        }
        strays
    }

    fn is_for(&self, placement: &SecretInjection, sent: &Sent) -> bool {
        (placement.methods.is_empty() || placement.methods.contains(&sent.method))
            && sent.url.path().starts_with(&placement.path_prefix)
            && self.is_host(&placement.host, &sent.url)
    }

    fn is_host(&self, pattern: &str, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default();
        if let Some(pointer) = pattern.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            let field = self.public.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            let address = if field.contains("://") { field.to_owned() } else { format!("https://{field}") };
            let meant = Url::parse(&address).ok();
            return meant.is_some_and(|it| it.host_str() == Some(host) && it.port_or_known_default() == port);
        }
        let (name, at) = pattern.split_once(':').map_or((pattern, None), |(name, at)| (name, Some(at)));
        let usual = Some(if url.scheme() == "http" { 80 } else { 443 });
        let same_port = at.map_or(port == usual, |at| at.parse().ok() == port);
        let same_name = match name.strip_prefix("*.") {
            Some(parent) => host.split_once('.').is_some_and(|(_, rest)| rest == parent),
            None => name == host,
        };
        same_port && same_name
    }
}

/// The texts of a body with their pointers: of JSON or of a form, else the whole.
fn body_texts(body: &[u8]) -> Vec<(String, String)> {
    if let Ok(document @ (Value::Object(_) | Value::Array(_))) = serde_json::from_slice(body) {
        let mut texts = Vec::new();
        collect(&document, "", &mut texts);
        return texts;
    }
    let whole = || vec![("/".to_owned(), String::from_utf8_lossy(body).into_owned())];
    if !body.contains(&b'=') || body.starts_with(b"<") {
        return whole();
    }
    let mut texts = Vec::new();
    for (name, value) in form_urlencoded::parse(body) {
        texts.push((format!("/{}", name.replace('~', "~0").replace('/', "~1")), value.into_owned()));
        texts.push(("a name".to_owned(), name.into_owned()));
    }
    texts
}

fn collect(value: &Value, at: &str, texts: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                texts.push(("a name".to_owned(), name.clone()));
                collect(field, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), texts);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect(item, &format!("{at}/{index}"), texts);
            }
        }
        Value::String(text) => texts.push((at.to_owned(), text.clone())),
        Value::Number(number) => texts.push((at.to_owned(), number.to_string())),
        Value::Null | Value::Bool(_) => {}
    }
}

/// The URL without its query.
fn shown(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SECRET: &str = "s3cret-t0ken-value";

    fn manifest() -> Manifest {
        serde_json::from_value(json!({
            "id": "a", "title": "A", "summary": "", "category": "test", "version": "1.0.0", "formats": [],
            "placements": [
                { "secret": "/token", "host": "api.example.com", "methods": ["GET", "POST"], "pathPrefix": "/v1/", "place": "header:authorization" },
                { "secret": "/token", "host": "{/url}", "place": "query:key" },
                { "secret": "/token", "host": "*.example.org:8443", "place": "body:/auth/token" },
                { "secret": "/other", "host": "api.example.com", "place": "body" },
            ],
        }))
        .unwrap()
    }

    fn strays(pointer: &str, sent: &Sent) -> Vec<String> {
        let (manifest, public) = (manifest(), json!({ "url": "https://own.example:444/base" }));
        Places::of_secret(&manifest, pointer, &public).strays(&Needle::new(SECRET).unwrap(), sent)
    }

    fn sent(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Sent {
        Sent {
            method: method.into(),
            url: url.parse().unwrap(),
            headers: headers.iter().map(|(name, value)| ((*name).into(), value.as_bytes().to_vec())).collect(),
            body: body.into(),
        }
    }

    #[test]
    fn a_secret_in_its_place_is_no_stray() {
        let bearer = format!("Bearer {SECRET}");
        let body = json!({ "auth": { "token": SECRET } }).to_string();
        for (pointer, sent) in [
            ("/token", sent("GET", "https://api.example.com/v1/zones", &[("authorization", &bearer)], "")),
            ("/token", sent("PUT", &format!("https://own.example:444/x?key={SECRET}"), &[], "")),
            ("/token", sent("PUT", "https://a.example.org:8443/x", &[], &body)),
            ("/other", sent("PUT", "https://api.example.com/x", &[], &body)),
            ("/none", sent("GET", "https://evil.example/", &[("authorization", "Bearer x")], "")),
        ] {
            assert_eq!(strays(pointer, &sent), [""; 0], "{}", sent.url);
        }
    }

    #[test]
    fn anywhere_else_it_is_named() {
        let bearer = format!("Bearer {SECRET}");
        let body = json!({ "auth": { "token": "x", SECRET: [1, SECRET] } }).to_string();
        let table = [
            (
                sent("PUT", "https://api.example.com/v1/a", &[("authorization", &bearer)], ""),
                "in the header authorization",
            ),
            (
                sent("GET", "https://api.example.com/v2/a", &[("authorization", &bearer)], ""),
                "in the header authorization",
            ),
            (
                sent("GET", "https://api.example.com:8443/v1/", &[("authorization", &bearer)], ""),
                "in the header authorization",
            ),
            (
                sent("GET", "https://evil.example/v1/a", &[("authorization", &bearer)], ""),
                "in the header authorization",
            ),
            (sent("GET", "https://api.example.com/v1/a", &[("x-debug", &bearer)], ""), "in the header x-debug, plain"),
            (sent("GET", &format!("https://own.example:444/?k={SECRET}"), &[], ""), "in the query field k"),
            (sent("GET", &format!("https://own.example/?key={SECRET}"), &[], ""), "in the query field key"),
            (
                sent("GET", &format!("https://api.example.com/v1/{}", hex::encode(SECRET)), &[], ""),
                "in the path, in hex",
            ),
            (sent("GET", &format!("https://{SECRET}.example/"), &[], ""), "in the host"),
            (
                sent("PUT", "https://a.example.org:8443/x", &[], &body),
                "in the body at /auth/s3cret-t0ken-value/1, plain",
            ),
            (
                sent("PUT", "https://a.b.example.org:8443/x", &[], &format!("auth={SECRET}")),
                "in the body at /auth, plain",
            ),
            (sent("PUT", "https://a.example.org:8443/x", &[], &format!("<a>{SECRET}</a>")), "in the body at /, plain"),
        ];
        for (sent, says) in table {
            let strays = strays("/token", &sent);
            assert!(strays.iter().any(|stray| stray.contains(says)), "{says}: {strays:?}");
        }
    }
}
