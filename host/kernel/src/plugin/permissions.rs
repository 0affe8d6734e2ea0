//! What a plugin asks for beyond computing: hosts, places for its secrets, token
//! endpoints, public fields derived from secrets. Also whether a grant covers it,
//! and the difference in words.

use serde::{Deserialize, Serialize};

use super::{Derived, HostWish, Manifest, SecretInjection, TokenEndpoint};

/// What a manifest asks for, or what an operator granted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Permissions {
    /// Hosts to reach.
    pub hosts: Vec<HostWish>,
    /// Where secrets go.
    pub placements: Vec<SecretInjection>,
    /// Endpoints whose answers are captured.
    pub token_endpoints: Vec<TokenEndpoint>,
    /// Public fields that `check` fills from a secret.
    pub derives: Vec<Derived>,
}

/// The difference between two sets of permissions.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PermissionDiff {
    /// Asked for and not granted.
    pub added: Permissions,
    /// Granted and no longer asked for.
    pub removed: Permissions,
}

impl Permissions {
    /// What `manifest` asks for.
    #[must_use]
    pub fn of(manifest: &Manifest) -> Self {
        Self {
            hosts: manifest.hosts.clone(),
            placements: manifest.placements.clone(),
            token_endpoints: manifest.token_endpoints.clone(),
            derives: manifest.derives.clone(),
        }
    }

    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.reaches_out() && self.derives.is_empty()
    }

    /// Whether it asks for anything of the network. Only that needs approval: a
    /// field that may not be derived simply stays as it is.
    #[must_use]
    pub fn reaches_out(&self) -> bool {
        !(self.hosts.is_empty() && self.placements.is_empty() && self.token_endpoints.is_empty())
    }

    /// Whether it covers everything of the network that `asked` names.
    #[must_use]
    pub fn cover(&self, asked: &Self) -> bool {
        !self.missing(asked).reaches_out()
    }

    /// What `asked` has and this does not cover.
    #[must_use]
    pub fn missing(&self, asked: &Self) -> Self {
        let host = |wish: &&HostWish| !self.hosts.iter().any(|granted| covers_host(&granted.host, &wish.host));
        let place = |one: &&SecretInjection| !self.placements.iter().any(|granted| covers_placement(granted, one));
        let endpoint = |one: &&TokenEndpoint| !self.token_endpoints.iter().any(|granted| covers_endpoint(granted, one));
        Self {
            hosts: asked.hosts.iter().filter(host).cloned().collect(),
            placements: asked.placements.iter().filter(place).cloned().collect(),
            token_endpoints: asked.token_endpoints.iter().filter(endpoint).cloned().collect(),
            derives: asked.derives.iter().filter(|derived| !self.derives.contains(derived)).cloned().collect(),
        }
    }

    /// Each permission as a phrase that follows "may".
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let hosts = self.hosts.iter().map(|wish| format!("reach {}: {}", host_words(&wish.host), wish.reason));
        let placements = self.placements.iter().map(placement_words);
        let endpoints = self.token_endpoints.iter().map(endpoint_words);
        let derives = self.derives.iter().map(Derived::words);
        hosts.chain(placements).chain(endpoints).chain(derives).collect()
    }
}

impl PermissionDiff {
    /// From what was granted to what is asked for; `None` if they are equal.
    #[must_use]
    pub fn between(granted: &Permissions, asked: &Permissions) -> Option<Self> {
        let diff = Self { added: granted.missing(asked), removed: asked.missing(granted) };
        (!diff.added.is_empty() || !diff.removed.is_empty()).then_some(diff)
    }
}

/// The same host, or one label under a granted wildcard.
fn covers_host(granted: &str, asked: &str) -> bool {
    let (granted, asked) = (granted.to_ascii_lowercase(), asked.to_ascii_lowercase());
    let under_wildcard = || {
        let (label, rest) = asked.split_once('.')?;
        Some(!label.is_empty() && !label.contains(['*', '{', '/', ':']) && granted.strip_prefix("*.")? == rest)
    };
    granted == asked || under_wildcard() == Some(true)
}

fn covers_placement(granted: &SecretInjection, asked: &SecretInjection) -> bool {
    let methods = granted.methods.is_empty()
        || !asked.methods.is_empty() && asked.methods.iter().all(|method| granted.methods.contains(method));
    granted.secret == asked.secret
        && granted.place == asked.place
        && covers_host(&granted.host, &asked.host)
        && covers_path(&granted.path_prefix, &asked.path_prefix)
        && methods
}

/// Only at a segment boundary: `/v1` does not cover `/v10`.
fn covers_path(granted: &str, asked: &str) -> bool {
    asked
        .strip_prefix(granted)
        .is_some_and(|rest| rest.is_empty() || granted.is_empty() || granted.ends_with('/') || rest.starts_with('/'))
}

fn covers_endpoint(granted: &TokenEndpoint, asked: &TokenEndpoint) -> bool {
    let within = |asked: &std::collections::BTreeMap<String, String>,
                  granted: &std::collections::BTreeMap<String, String>| {
        asked.iter().all(|(name, path)| granted.get(name) == Some(path))
    };
    granted.name == asked.name
        && granted.url == asked.url
        && within(&asked.capture, &granted.capture)
        && within(&asked.expose, &granted.expose)
        && asked.placements.iter().all(|one| granted.placements.iter().any(|granted| covers_placement(granted, one)))
}

fn host_words(host: &str) -> String {
    match host.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(pointer) => format!("the host in the field {pointer}"),
        None => host.to_owned(),
    }
}

fn placement_words(placement: &SecretInjection) -> String {
    let place = match placement.place.split_once(':') {
        Some(("header", name)) => format!("in the header {name}"),
        Some(("query", name)) => format!("in the query parameter {name}"),
        Some(("body", pointer)) => format!("in the body at {pointer}"),
        _ if placement.place == "body" => "in the body".to_owned(),
        _ if placement.place == "key" => "as a signature made with it".to_owned(),
        _ => format!("as {}", placement.place),
    };
    let mut words = format!("send {} to {} {place}", placement.secret, host_words(&placement.host));
    if !placement.methods.is_empty() {
        words = format!("{words}, with {}", placement.methods.join(" or "));
    }
    if !placement.path_prefix.is_empty() {
        words = format!("{words}, under the path {}", placement.path_prefix);
    }
    words
}

fn endpoint_words(endpoint: &TokenEndpoint) -> String {
    let names = |map: &std::collections::BTreeMap<String, String>| map.keys().cloned().collect::<Vec<_>>().join(", ");
    let mut words = format!("get {} from {} without seeing it", names(&endpoint.capture), endpoint.url);
    if !endpoint.expose.is_empty() {
        words = format!("{words}, and see {} of the answer", names(&endpoint.expose));
    }
    for placement in &endpoint.placements {
        words = format!("{words}; {}", placement_words(placement));
    }
    words
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn permissions(value: &Value) -> Permissions {
        let mut whole = json!({"hosts": [], "placements": [], "tokenEndpoints": [], "derives": []});
        for (name, part) in value.as_object().unwrap() {
            whole[name] = part.clone();
        }
        serde_json::from_value(whole).unwrap()
    }

    fn host(name: &str) -> Permissions {
        permissions(&json!({"hosts": [{"host": name, "reason": "Needs it."}]}))
    }

    fn placement(changes: &Value) -> Permissions {
        let mut one = json!({"secret": "/token", "host": "api.example.com", "methods": ["GET", "POST"],
            "pathPrefix": "/v1", "place": "header:authorization"});
        for (name, part) in changes.as_object().unwrap() {
            one[name] = part.clone();
        }
        permissions(&json!({"placements": [one]}))
    }

    #[test]
    fn hosts_are_covered_by_themselves_and_by_a_wildcard_of_one_label() {
        for (granted, asked, covered) in [
            ("api.example.com", "api.example.com", true),
            ("API.example.com", "api.example.com", true),
            ("*.example.com", "api.example.com", true),
            ("*.example.com", "*.example.com", true),
            ("*.example.com", "a.b.example.com", false),
            ("*.example.com", "example.com", false),
            ("*.example.com", "evil*.example.com", false),
            ("api.example.com", "*.example.com", false),
            ("api.example.com", "api.example.com:8443", false),
            ("{/url}", "{/url}", true),
            ("{/url}", "{/other}", false),
        ] {
            assert_eq!(host(granted).cover(&host(asked)), covered, "{granted} {asked}");
        }
        let other_reason = permissions(&json!({"hosts": [{"host": "a.example", "reason": "Other."}]}));
        assert!(host("a.example").cover(&other_reason), "a reason is no permission");
    }

    #[test]
    fn a_placement_is_covered_where_every_part_is_as_narrow() {
        let granted = placement(&json!({}));
        for (changes, covered) in [
            (json!({}), true),
            (json!({"methods": ["GET"]}), true),
            (json!({"pathPrefix": "/v1/zones"}), true),
            (json!({"pathPrefix": "/v10"}), false),
            (json!({"pathPrefix": ""}), false),
            (json!({"methods": []}), false),
            (json!({"methods": ["GET", "DELETE"]}), false),
            (json!({"host": "other.example.com"}), false),
            (json!({"secret": "/other"}), false),
            (json!({"place": "body"}), false),
        ] {
            assert_eq!(granted.cover(&placement(&changes)), covered, "{changes}");
        }
        let anywhere = placement(&json!({"methods": [], "pathPrefix": ""}));
        assert!(anywhere.cover(&granted) && anywhere.cover(&anywhere));
    }

    #[test]
    fn a_token_endpoint_is_covered_where_it_shows_no_more() {
        let endpoint = |url: &str, capture: Value, expose: Value, host: &str| {
            permissions(&json!({"tokenEndpoints": [{"name": "token", "url": url, "capture": capture, "expose": expose,
                "placements": [{"secret": "token", "host": host, "place": "header:authorization"}]}]}))
        };
        let (url, capture) = ("https://login.example/token", json!({"token": "/access_token"}));
        let (seconds, both) = (json!({"in": "/expires_in"}), json!({"in": "/expires_in", "all": ""}));
        let granted = endpoint(url, capture.clone(), seconds.clone(), "api.example");
        assert!(granted.cover(&endpoint(url, capture.clone(), seconds.clone(), "api.example")));
        assert!(granted.cover(&endpoint(url, capture.clone(), json!({}), "api.example")));
        assert!(!granted.cover(&endpoint(url, capture.clone(), both, "api.example")));
        assert!(!granted.cover(&endpoint(url, capture.clone(), seconds.clone(), "evil.example")));
        assert!(!granted.cover(&endpoint(url, json!({"token": "/other"}), seconds.clone(), "api.example")));
        assert!(!granted.cover(&endpoint("https://evil.example/token", capture, seconds, "api.example")));
    }

    #[test]
    fn only_the_network_keeps_waiting() {
        let derives = permissions(&json!({"derives": ["/publicKey"]}));
        assert!(Permissions::default().cover(&derives) && !derives.reaches_out() && !derives.is_empty());
        assert_eq!(Permissions::default().missing(&derives), derives);
        assert!(!Permissions::default().cover(&host("a.example")));
        assert!(Permissions::default().is_empty());
    }

    #[test]
    fn the_difference_is_told_in_words() {
        let granted = host("a.example");
        let asked = Permissions { derives: vec![Derived::Computed("/publicKey".to_owned())], ..placement(&json!({})) };
        let diff = PermissionDiff::between(&granted, &asked).unwrap();
        assert_eq!(diff.removed.words(), ["reach a.example: Needs it."]);
        assert_eq!(
            diff.added.words(),
            [
                "send /token to api.example.com in the header authorization, with GET or POST, under the path /v1",
                "fill the public field /publicKey from a secret",
            ]
        );
        assert_eq!(PermissionDiff::between(&asked, &asked), None);
        assert_eq!(host("{/url}").words(), ["reach the host in the field /url: Needs it."]);
        for (place, words) in [
            ("query:key", "in the query parameter key"),
            ("body:/client_secret", "in the body at /client_secret"),
            ("key", "as a signature made with it"),
        ] {
            let told = placement(&json!({"place": place, "methods": [], "pathPrefix": ""})).words();
            assert_eq!(told, [format!("send /token to api.example.com {words}")]);
        }
    }
}
