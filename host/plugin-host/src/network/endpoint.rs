//! Token endpoints: which request is for one, and what of the answer reaches
//! the plugin.

use bursar_kernel::plugin::{Manifest, TokenEndpoint};
use bursar_scrub::{RFC_3986, Scrubber};
use memchr::memmem;
use percent_encoding::{percent_decode_str, utf8_percent_encode};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::call_secrets::MAX_PLACED_BYTES;
use super::document::Document;
use super::request::Denial;
use super::target::Target;
use crate::names::is_field_pointer;

/// The endpoint that a request is for, if any.
///
/// # Errors
///
/// When it names an endpoint that it does not match, or matches one without
/// naming it.
pub(crate) fn of<'a>(
    manifest: &'a Manifest,
    name: Option<&str>,
    method: &str,
    target: &Target,
    public: &Value,
) -> Result<Option<&'a TokenEndpoint>, Denial> {
    let Some(name) = name else {
        return match manifest.token_endpoints.iter().find(|endpoint| resembles(endpoint, target)) {
            Some(endpoint) => Err(Denial::new(format!(
                "the url is that of the token endpoint {}: name it, so that the answer is captured",
                endpoint.name
            ))),
            None => Ok(None),
        };
    };
    let endpoint = manifest
        .token_endpoints
        .iter()
        .find(|endpoint| endpoint.name == name)
        .ok_or_else(|| Denial::new("the request names a token endpoint that the manifest does not declare"))?;
    if method != "POST" {
        return Err(Denial::new("a token endpoint is asked by POST"));
    }
    let declared = url(endpoint, public)?;
    if declared.url != target.url {
        return Err(Denial::new(format!("the url is not that of the token endpoint {}", endpoint.name)));
    }
    Ok(Some(endpoint))
}

/// What a token endpoint's answer holds.
pub(crate) struct Opened {
    /// By name. Empty where the answer is no success.
    pub(crate) captured: Vec<(String, Zeroizing<String>)>,
    /// What the plugin may see: an object.
    pub(crate) exposed: Value,
}

/// Splits an answer. Captured values, and values that contain one, are never
/// exposed.
pub(crate) fn open(endpoint: &TokenEndpoint, status: u16, body: &[u8], known: &Scrubber) -> Opened {
    let document = Document::parse(body);
    let held: Vec<(String, Zeroizing<String>)> = endpoint
        .capture
        .iter()
        .filter_map(|(name, place)| Some((name.clone(), document.text(place)?)))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    let mut exposed = Map::new();
    for (name, place) in &endpoint.expose {
        let Some(value) = document.scalar(place) else { continue };
        let text = Zeroizing::new(value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        if held.iter().any(|(_, secret)| text.contains(secret.as_str())) {
            continue;
        }
        let clean = known.scrub_text(&text);
        if clean.len() > MAX_EXPOSED_BYTES {
            continue;
        }
        exposed.insert(name.clone(), if clean == *text { value } else { Value::String(clean) });
    }
    let fit = held.into_iter().filter(|(_, value)| value.len() <= MAX_PLACED_BYTES);
    let captured = if (200..300).contains(&status) { fit.collect() } else { Vec::new() };
    Opened { captured, exposed: Value::Object(exposed) }
}

/// Whether an answer is that of a token endpoint: OAuth's (RFC 6749, section
/// 5.1, with what its extensions add) or that of AWS's token service.
pub(crate) fn holds_token(body: &[u8]) -> bool {
    if TOKEN_ELEMENTS.iter().any(|element| memmem::find(body, element.as_bytes()).is_some()) {
        return true;
    }
    if !TOKENS.iter().any(|name| memmem::find(body, name.as_bytes()).is_some()) {
        return false;
    }
    let Document::Json(document) = Document::parse(body) else {
        return false;
    };
    TOKENS.iter().any(|name| document.expose().get(name).is_some_and(Value::is_string))
}

/// Checks an endpoint of a manifest.
///
/// # Errors
///
/// The rule, for the plugin's author.
pub(crate) fn check(endpoint: &TokenEndpoint) -> Result<(), &'static str> {
    let pieces = template(&endpoint.url);
    let whole = pieces.windows(2).all(|two| match two {
        [UrlPiece::Text(before), UrlPiece::Field(_)] => before.ends_with('/'),
        [UrlPiece::Field(_), UrlPiece::Text(after)] => after.is_empty() || after.starts_with('/'),
        _ => false,
    });
    let mut example = String::new();
    for piece in &pieces {
        match piece {
            UrlPiece::Text(text) => example.push_str(text),
            UrlPiece::Field(pointer) if is_field_pointer(pointer) => example.push('x'),
            UrlPiece::Field(_) => return Err(TEMPLATE),
        }
    }
    let host_is_plain =
        matches!(pieces.first(), Some(UrlPiece::Text(text)) if text.trim_start_matches("https://").contains('/'));
    if !whole || !host_is_plain || example.contains(['{', '}']) || Target::parse(&example).is_err() {
        return Err(TEMPLATE);
    }
    let shows_token = endpoint.expose.values().any(|place| {
        let last = place.rsplit('/').next().unwrap_or_default();
        TOKENS.contains(&last) || TOKEN_ELEMENTS.iter().any(|element| element[1..element.len() - 1] == *last)
    });
    if shows_token { Err("a token endpoint must not expose the token") } else { Ok(()) }
}

/// The endpoint's address, its template filled in.
fn url(endpoint: &TokenEndpoint, public: &Value) -> Result<Target, Denial> {
    let mut filled = String::new();
    for piece in template(&endpoint.url) {
        match piece {
            UrlPiece::Text(text) => filled.push_str(text),
            UrlPiece::Field(pointer) => {
                let value = public.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
                if value.is_empty() {
                    return Err(Denial::new(format!("the token endpoint {} needs the field {pointer}", endpoint.name)));
                }
                filled.extend(utf8_percent_encode(value, RFC_3986));
            }
        }
    }
    Target::parse(&filled)
}

/// Whether a server might take `target` for `endpoint`, whatever its fields
/// hold: the same host and port, and a path that is the same but for case,
/// escapes, parameters and empty segments.
fn resembles(endpoint: &TokenEndpoint, target: &Target) -> bool {
    let any = "\u{0}";
    let address: String = template(&endpoint.url)
        .into_iter()
        .map(|piece| match piece {
            UrlPiece::Text(text) => text,
            UrlPiece::Field(_) => any,
        })
        .collect();
    let Some((authority, path)) =
        address.strip_prefix("https://").map(|rest| rest.split_once('/').unwrap_or((rest, "")))
    else {
        return false;
    };
    let Ok(host) = Target::parse(&format!("https://{authority}/")) else {
        return false;
    };
    let (declared, asked) = (segments(path), segments(target.path()));
    host.host == target.host
        && (host.port == target.port || target.is_plain())
        && declared.len() == asked.len()
        && declared.iter().zip(&asked).all(|(declared, asked)| declared.contains(any) || declared == asked)
}

fn segments(path: &str) -> Vec<String> {
    path.split('/')
        .map(|segment| percent_decode_str(segment).decode_utf8_lossy().to_lowercase())
        .map(|segment| segment.split(';').next().unwrap_or_default().to_owned())
        .filter(|segment| !segment.is_empty())
        .collect()
}

/// A piece of an endpoint's url.
enum UrlPiece<'a> {
    Text(&'a str),
    /// `{/pointer}`.
    Field(&'a str),
}

fn template(url: &str) -> Vec<UrlPiece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = url;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((pointer, after)) = after.split_once('}') else { break };
        pieces.extend([UrlPiece::Text(before), UrlPiece::Field(pointer)]);
        rest = after;
    }
    pieces.push(UrlPiece::Text(rest));
    pieces
}

const TEMPLATE: &str = "the url of a token endpoint is https://host/path, whole segments of which may be {/pointer}";
const TOKENS: [&str; 3] = ["access_token", "refresh_token", "id_token"];
const TOKEN_ELEMENTS: [&str; 2] = ["<SecretAccessKey>", "<SessionToken>"];
const MAX_EXPOSED_BYTES: usize = 4 << 10;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    fn endpoint(url: &str) -> TokenEndpoint {
        let places = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, place)| ((*name).to_owned(), (*place).to_owned())).collect()
        };
        TokenEndpoint {
            name: "token".to_owned(),
            url: url.to_owned(),
            capture: places(&[("access-token", "/access_token")]),
            expose: places(&[("expires-in", "/expires_in"), ("error", "/error"), ("note", "/note")]),
            placements: Vec::new(),
        }
    }

    fn target(url: &str) -> Target {
        Target::parse(url).expect(url)
    }

    #[test]
    fn a_template_is_filled_with_escaped_fields() {
        let endpoint = endpoint("https://login.example.com/{/tenant/id}/oauth2/token");
        let filled = |id: &str| url(&endpoint, &json!({"tenant": {"id": id}})).map(|target| target.url.to_string());
        assert_eq!(filled("a b"), Ok("https://login.example.com/a%20b/oauth2/token".to_owned()));
        for bad in ["", ".", "..", "a/b", "a\\b"] {
            assert!(filled(bad).is_err(), "{bad}");
        }
        assert!(url(&endpoint, &json!({})).is_err());
    }

    #[test]
    fn what_a_server_might_take_for_the_endpoint_resembles_it() {
        let endpoint = endpoint("https://login.example.com/{/tenant}/oauth2/Token");
        for url in [
            "https://login.example.com/anything/oauth2/token",
            "https://login.example.com/x/OAuth2/TOKEN/",
            "https://login.example.com//x/oauth2//token",
            "https://login.example.com/x/oauth2/%74oken",
            "https://login.example.com/x/oauth2/token;v=1",
            "http://login.example.com/x/oauth2/token",
        ] {
            assert!(resembles(&endpoint, &target(url)), "{url}");
        }
        for url in [
            "https://login.example.com/x/oauth2",
            "https://login.example.com/x/oauth2/token/more",
            "https://other.example.com/x/oauth2/token",
            "https://login.example.com:8443/x/oauth2/token",
        ] {
            assert!(!resembles(&endpoint, &target(url)), "{url}");
        }
    }

    #[test]
    fn an_answer_is_captured_and_only_what_is_declared_is_shown() {
        let endpoint = endpoint("https://login.example.com/token");
        let mut known = Scrubber::default();
        known.add(b"client-secret");
        let body = json!({"access_token": "t0k3n", "expires_in": 3600, "refresh_token": "other",
            "error": "client-secret is wrong", "note": "Bearer t0k3n"})
        .to_string();
        let opened = open(&endpoint, 200, body.as_bytes(), &known);
        assert_eq!(opened.captured, [("access-token".to_owned(), Zeroizing::new("t0k3n".to_owned()))]);
        assert_eq!(opened.exposed, json!({"expires-in": 3600, "error": "[secret] is wrong"}));
        let refused = open(&endpoint, 400, body.as_bytes(), &known);
        assert!(refused.captured.is_empty());
        assert_eq!(refused.exposed, opened.exposed);
        let page = open(&endpoint, 200, b"<html>no", &known);
        assert!(page.captured.is_empty() && page.exposed == json!({}));
    }

    #[test]
    fn a_manifest_says_where_and_shows_no_token() {
        for good in ["https://h/", "https://h/token", "https://h/{/a}/{/b/c}", "https://h:8443/{/a}"] {
            assert_eq!(check(&endpoint(good)), Ok(()), "{good}");
        }
        for bad in [
            "https://{/h}/token",
            "https://h/{a}/token",
            "https://h/x{/a}",
            "https://h/{/a}x",
            "https://h/{/a",
            "https://h/a}",
            "https://h/../a",
            "https://h/?a=b",
            "https://h",
            "https:///{/a}",
            "https://h/{/a}{/b}",
        ] {
            assert_eq!(check(&endpoint(bad)), Err(TEMPLATE), "{bad}");
        }
        for place in ["/access_token", "/a/refresh_token", "/R/Credentials/SessionToken"] {
            let mut showing = endpoint("https://h/token");
            showing.expose.insert("x".to_owned(), place.to_owned());
            assert!(check(&showing).is_err(), "{place}");
        }
    }

    #[test]
    fn a_token_is_known_by_its_name() {
        assert!(holds_token(br#"{"access_token": "x", "token_type": "bearer"}"#));
        assert!(holds_token(b"<A><SecretAccessKey>x</SecretAccessKey></A>"));
        for none in [&br#"{"error": "no access_token"}"#[..], br#"{"access_token": null}"#, b"access_token", b"{}", b""]
        {
            assert!(!holds_token(none));
        }
    }
}
