//! Turns a plugin's request into one for the wire, or names the rule it breaks.

use bursar_kernel::plugin::{Manifest, TokenEndpoint};
use http::HeaderName;
use serde_json::Value;
use zeroize::Zeroizing;

use super::assemble::{Assembly, Filled};
use super::call_secrets::{CallSecrets, Screen};
use super::keys::{Keys, MAX_PARTS};
use super::placements::InjectionRules;
use super::request::{Denial, Field, Part, Request};
use super::target::{MAX_URL_BYTES, Target};
use super::{NetworkConfig, WireRequest, body, endpoint, hosts};

/// What decides about the requests of a call.
pub(crate) struct Terms<'a, 'm> {
    /// The plugin's id.
    pub(crate) plugin: &'a str,
    pub(crate) manifest: &'m Manifest,
    /// The data without its secrets.
    pub(crate) public: &'a Value,
    pub(crate) config: &'a NetworkConfig,
    pub(crate) secrets: &'a CallSecrets,
    pub(crate) keys: &'a Keys,
}

/// A request that may be sent.
pub(crate) struct Outbound<'m> {
    pub(crate) wire: WireRequest,
    /// The token endpoint it is for.
    pub(crate) endpoint: Option<&'m TokenEndpoint>,
    /// What its answer must not show the plugin.
    pub(crate) answers: Screen,
}

impl<'m> Terms<'_, 'm> {
    /// Decides about a request to `target` and fills in its secrets.
    ///
    /// # Errors
    ///
    /// The rule it breaks.
    pub(crate) fn build(&self, request: &Request, target: &Target) -> Result<Outbound<'m>, Denial> {
        check_counts(request)?;
        let method = request.method.as_str();
        if !is_method(method) {
            return Err(Denial::new("the method must be uppercase; CONNECT and TRACE are forbidden"));
        }
        let endpoint = endpoint::of(self.manifest, request.endpoint.as_deref(), method, target, self.public)?;
        if endpoint.is_none() {
            hosts::permit(self.manifest.hosts.iter().map(|wish| wish.host.as_str()), target, self.public)?;
        }
        self.permit_address(target)?;

        let rules = InjectionRules::new(self.manifest, self.public, target, method, self.secrets.taints());
        let assembly = Assembly { secrets: self.secrets, keys: self.keys, rules: &rules };
        let headers = headers(&assembly, &request.headers)?;
        let query = assembly.query(&request.query)?;
        if target.url.as_str().len() + query.counted > MAX_URL_BYTES {
            return Err(Denial::new("the url and its query have more than 8 KiB beside what the host fills in"));
        }
        // Otherwise a client could find the query too long to send.
        if query.secrets > 1 || query.made > 1 {
            return Err(Denial::new("the query holds more than one secret, or more than one signature"));
        }
        let mut url = target.url.clone();
        if !request.query.is_empty() {
            url.set_query(Some(query.value.as_str()));
        }
        let body = match &request.body {
            Some(parts) => Some(body::assemble(&assembly, parts, content_type(&request.headers))?),
            None => None,
        };
        if body.as_ref().is_some_and(|body| body.counted > MAX_BODY_BYTES) {
            return Err(Denial::new("the body has more than 1 MiB beside what the host fills in"));
        }
        let in_body = body.as_ref().map_or(0, |body| body.secrets + body.made);
        if headers.secrets + headers.made + query.secrets + query.made + in_body > MAX_FILLED {
            return Err(Denial::new("the request holds more than 32 secrets and signatures"));
        }
        let (headers, body) = (headers.value, body.map(|body| body.value));
        let wire = WireRequest { method: method.to_owned(), url, headers, body };
        let answers = self.secrets.screen(&rules);
        Ok(Outbound { wire, endpoint, answers })
    }

    /// Checks an address before its host is resolved.
    fn permit_address(&self, target: &Target) -> Result<(), Denial> {
        let (plugin, authority) = (self.plugin, target.authority());
        let plain = self.config.granted_plain_http.get(plugin);
        if target.is_plain()
            && !plain.is_some_and(|granted| granted.iter().any(|it| it.eq_ignore_ascii_case(&authority)))
        {
            return Err(Denial {
                rule: format!("{authority} is not granted without TLS"),
                cure: Some(format!(r#"plugins.granted_plain_http = {{ "{plugin}" = ["{authority}"] }}"#)),
            });
        }
        if let Some(address) = target.address
            && !self.config.connect_overrides.contains_key(&authority)
        {
            let rules = self.config.granted_addresses.get(plugin).map_or(&[][..], Vec::as_slice);
            if !rules.iter().any(|rule| rule.grants(&target.host, address, target.port)) {
                return Err(Denial {
                    rule: format!("{authority} is an address and not a name"),
                    cure: Some(granted_addresses(plugin, &authority)),
                });
            }
        }
        Ok(())
    }
}

/// The type of headers in [`WireRequest`].
type Headers = Vec<(String, Zeroizing<Vec<u8>>)>;

/// The line of configuration that lets `plugin` reach a private `authority`.
pub(crate) fn granted_addresses(plugin: &str, authority: &str) -> String {
    format!(r#"plugins.granted_addresses = {{ "{plugin}" = ["{authority}"] }}"#)
}

fn check_counts(request: &Request) -> Result<(), Denial> {
    let fields = || request.headers.iter().chain(&request.query);
    if request.headers.len() > MAX_FIELDS || request.query.len() > MAX_FIELDS {
        return Err(Denial::new("the request has more than 64 headers or more than 64 query fields"));
    }
    if fields().map(|field| field.value.len()).chain(request.body.iter().map(Vec::len)).any(|parts| parts > MAX_PARTS) {
        return Err(Denial::new("a value of the request has more than 32 parts"));
    }
    if fields().any(|field| field.name.is_empty() || field.name.len() > MAX_NAME_BYTES) {
        return Err(Denial::new("the name of a header or query field is empty or has more than 128 bytes"));
    }
    Ok(())
}

fn headers(assembly: &Assembly<'_>, fields: &[Field]) -> Result<Filled<Headers>, Denial> {
    let mut headers = Filled::new(vec![("accept-encoding".to_owned(), Zeroizing::new(b"identity".to_vec()))]);
    for Field { name, value } in fields {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| Denial::new("the name of a header holds a character that is not allowed"))?;
        let name = name.as_str();
        if HOST_OWNED.contains(&name) || name.starts_with("proxy-") {
            return Err(Denial::new(format!("header {name} is the host's to set")));
        }
        let value = assembly.header(name, value)?;
        headers.counted += name.len() + value.counted;
        headers.secrets += value.secrets;
        headers.made += value.made;
        if headers.counted > MAX_HEADER_BYTES {
            return Err(Denial::new("the headers have more than 16 KiB beside what the host fills in"));
        }
        headers.value.push((name.to_owned(), value.value));
    }
    if !headers.value.iter().any(|(name, _)| name == "user-agent") {
        headers.value.push(("user-agent".to_owned(), Zeroizing::new(USER_AGENT.as_bytes().to_vec())));
    }
    Ok(headers)
}

/// The request's one content type, where it is plain text.
fn content_type(fields: &[Field]) -> Option<&str> {
    let mut named = fields.iter().filter(|field| field.name.eq_ignore_ascii_case("content-type"));
    match (named.next(), named.next()) {
        (Some(field), None) => match field.value.as_slice() {
            [Part::Text(text)] => Some(text),
            _ => None,
        },
        _ => None,
    }
}

/// `CONNECT` would open a tunnel, and the answer to `TRACE` repeats the request.
fn is_method(method: &str) -> bool {
    (1..=16).contains(&method.len())
        && method.bytes().all(|c| c.is_ascii_uppercase())
        && !["CONNECT", "TRACE"].contains(&method)
}

/// Headers about the transfer itself, which the host controls.
const HOST_OWNED: [&str; 10] = [
    "host",
    "connection",
    "keep-alive",
    "transfer-encoding",
    "content-length",
    "upgrade",
    "te",
    "trailer",
    "expect",
    "accept-encoding",
];
const USER_AGENT: &str = concat!("bursar/", env!("CARGO_PKG_VERSION"));
const MAX_FIELDS: usize = 64;
const MAX_NAME_BYTES: usize = 128;
const MAX_HEADER_BYTES: usize = 16 << 10;
const MAX_BODY_BYTES: usize = 1 << 20;
/// Secrets, signatures and digests of one request.
const MAX_FILLED: usize = 32;
