//! The settings, and the signing key.

use std::collections::BTreeMap;

use bursar_kernel::secret::SecretJson;
use bursar_regions::{Login, TargetError};
use bursar_schema::pointer::child;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::KIND;
use crate::http::Connection;
use crate::settings::{Violations, whole};

/// The settings, as the schema lets them pass.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WebhookSettings {
    url: Option<String>,
    secret: Option<Zeroizing<String>>,
    ca_file: Option<String>,
    #[serde(deserialize_with = "whole")]
    timeout_seconds: Option<u64>,
    headers: Option<BTreeMap<String, String>>,
}

/// What the settings stand for.
pub(super) struct WebhookOptions {
    pub(super) connection: Connection,
    pub(super) secret: Option<Zeroizing<String>>,
    pub(super) headers: HeaderMap,
}

impl WebhookOptions {
    /// Reads the settings.
    ///
    /// # Errors
    ///
    /// Every violation.
    pub(super) fn read(settings: &SecretJson) -> Result<Self, Violations> {
        let (settings, mut violations) = KIND.read::<WebhookSettings>(settings);
        let url = ("/url", settings.url.as_deref());
        let connection = Connection::new(url, settings.ca_file, settings.timeout_seconds, &mut violations);
        let headers = headers(settings.headers.unwrap_or_default(), &mut violations);
        let secret = settings.secret;
        violations.none_or(connection.map(|connection| Self { connection, secret, headers }))
    }
}

/// The key: the setting's, or else the password of the login credential.
///
/// # Errors
///
/// Where there is none, or one that is too short.
pub(super) fn key(
    of_settings: Option<Zeroizing<String>>,
    login: Option<Login>,
) -> Result<Zeroizing<String>, TargetError> {
    let Some(key) = of_settings.or(login.map(|login| login.password)) else {
        let message = "there is no signing key: set `secret`, or give the region a login credential";
        return Err(TargetError::Invalid(message.to_owned()));
    };
    if key.chars().count() < MIN_KEY_CHARACTERS {
        let message =
            "the password of the login credential, which is the signing key, must have at least 16 characters";
        return Err(TargetError::Invalid(message.to_owned()));
    }
    Ok(key)
}

fn headers(given: BTreeMap<String, String>, violations: &mut Violations) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let lower = name.to_ascii_lowercase();
        let (code, message) = if RESERVED.contains(&lower.as_str()) {
            ("reserved", "This header is set by the broker.")
        } else if SECRET.iter().any(|word| lower.contains(word)) {
            ("secret", NOT_SECRET)
        } else if let (Ok(name), Ok(value)) = (HeaderName::try_from(&name), HeaderValue::try_from(&value)) {
            headers.insert(name, value);
            continue;
        } else {
            ("format", "This must be a header name, and a value on one line.")
        };
        violations.add(child("/headers", &name), code, message);
    }
    headers
}

/// As in the schema.
const MIN_KEY_CHARACTERS: usize = 16;
const NOT_SECRET: &str = "Headers are shown to everybody who sees the region, and this one could be a secret: let the \
                          receiver verify the signature instead.";
/// Headers of the request itself, or of HTTP.
const RESERVED: [&str; 12] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "idempotency-key",
    "te",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "x-bursar-signature",
];
/// Words in the names of headers that grant access.
const SECRET: [&str; 9] = ["auth", "cookie", "credential", "jwt", "key", "pass", "secret", "session", "token"];
