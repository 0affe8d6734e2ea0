//! The settings, and the key that signs.

use bursar_domain::Violation;
use bursar_domain::region::{Login, TargetError};
use bursar_domain::secret::SecretJson;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use zeroize::Zeroizing;

use super::KIND;
use crate::http::Connection;
use crate::settings::Settings;

/// What the settings say.
pub(super) struct Read {
    pub(super) connection: Connection,
    pub(super) secret: Option<Zeroizing<String>>,
    pub(super) headers: HeaderMap,
}

/// Reads the settings, with every complaint. Nothing where the URL is of no use.
pub(super) fn read(settings: &SecretJson) -> (Option<Read>, Vec<Violation>) {
    let mut settings = Settings::new(&KIND, settings);
    let connection = Connection::read(&mut settings, "url");
    let secret = settings.text("secret").map(|secret| Zeroizing::new(secret.to_owned()));
    if secret.as_ref().is_some_and(|secret| is_short(secret)) {
        settings.complain("secret", "length", "This must have at least 16 characters.");
    }
    let headers = headers(&mut settings);
    (connection.map(|connection| Read { connection, secret, headers }), settings.finish())
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
        let message = "there is no key for the signatures: set `secret`, or give the region a login credential";
        return Err(TargetError::Invalid(message.to_owned()));
    };
    if is_short(&key) {
        let message = "the password of the login credential, which is the key, must have at least 16 characters";
        return Err(TargetError::Invalid(message.to_owned()));
    }
    Ok(key)
}

fn is_short(key: &str) -> bool {
    key.chars().count() < MIN_KEY_CHARACTERS
}

fn headers(settings: &mut Settings<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in settings.texts("headers").unwrap_or_default() {
        let pointer = format!("headers/{}", name.replace('~', "~0").replace('/', "~1"));
        let lower = name.to_ascii_lowercase();
        if OUR_OWN.contains(&lower.as_str()) {
            settings.complain(&pointer, "reserved", "This header is the broker's own to set.");
        } else if SECRET.iter().any(|word| lower.contains(word)) {
            settings.complain(
                &pointer,
                "secret",
                "Headers are shown to everybody who sees the region, and this one could be a secret: let the receiver \
                 verify the signature instead.",
            );
        } else if let (Ok(name), Ok(value)) = (HeaderName::try_from(&name), HeaderValue::try_from(&value)) {
            headers.insert(name, value);
        } else {
            settings.complain(&pointer, "format", "This must be a header's name and a value on one line.");
        }
    }
    headers
}

const MIN_KEY_CHARACTERS: usize = 16;
/// What the request says of itself, or what HTTP does.
const OUR_OWN: [&str; 12] = [
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
/// Words in the names of headers that grant something.
const SECRET: [&str; 9] = ["auth", "cookie", "credential", "jwt", "key", "pass", "secret", "session", "token"];
