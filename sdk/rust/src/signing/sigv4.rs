//! AWS Signature Version 4 for requests whose keys stay at the host.
//!
//! Source:
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>.
//! The signed path is encoded twice, as for every service but S3.

use std::time::{Duration, UNIX_EPOCH};

use httpdate::fmt_http_date;

use super::{DigestAlgorithm, Key, Source, digest, sha256_hex};
use crate::http::{Parts, Request, Secret, encoded, encoded_path};
use crate::{Error, Part, clock};

/// The credentials to sign with.
#[derive(Clone, Debug)]
pub struct Credentials {
    access_key_id: Parts,
    secret_access_key: Source,
    session_token: Option<Parts>,
}

impl Credentials {
    /// An access key from the form.
    #[must_use]
    pub fn stored(access_key_id: impl Into<Parts>, secret_access_key: Secret<'_>) -> Self {
        let secret_access_key = Source::Secret((KEY_PREFIX.into(), secret_access_key.0.to_owned()));
        Self { access_key_id: access_key_id.into(), secret_access_key, session_token: None }
    }

    /// Temporary credentials of STS, as an earlier request of this call
    /// captured them. The id is text if the manifest exposes it, else
    /// [`Parts::captured`].
    #[must_use]
    pub fn captured(access_key_id: impl Into<Parts>, secret_access_key: &str, session_token: &str) -> Self {
        let secret_access_key = Source::Captured((KEY_PREFIX.into(), secret_access_key.to_owned()));
        let session_token = Some(Parts::new().captured(session_token));
        Self { access_key_id: access_key_id.into(), secret_access_key, session_token }
    }
}

/// Signs `request` for a service in a region, now: adds `X-Amz-Date`,
/// `X-Amz-Security-Token` where there is one, and `Authorization`.
///
/// Add all headers and the body first. Query values are text; headers and body
/// may hold secrets, which are digested at the host.
///
/// # Errors
///
/// The host's; [`Error::Internal`] when a query value is not text.
pub fn sign(request: Request, credentials: &Credentials, region: &str, service: &str) -> Result<Request, Error> {
    let date = amz_date(clock::now()?)?;
    let mut request = request.header("X-Amz-Date", date.as_str());
    if let Some(token) = &credentials.session_token {
        request = request.header("X-Amz-Security-Token", token.clone());
    }
    let canonical = canonical(&request)?;
    let scope = format!("{}/{region}/{service}/aws4_request", &date[..8]);
    let to_sign = string_to_sign(&date, &scope, &canonical.request)?;

    let key = Key::load(&credentials.secret_access_key)?;
    let key = key.derive(&date[..8])?.derive(region)?.derive(service)?.derive("aws4_request")?;
    let signature = key.hmac_sha256(to_sign)?;
    let authorization = Parts::from("AWS4-HMAC-SHA256 Credential=")
        .then(credentials.access_key_id.clone())
        .text(format!("/{scope}, SignedHeaders={}, Signature=", canonical.signed_headers))
        .hex(signature);
    Ok(request.header("Authorization", authorization))
}

struct Canonical {
    request: Parts,
    signed_headers: String,
}

fn canonical(request: &Request) -> Result<Canonical, Error> {
    let wire = request.wire();
    let (host, path) = host_and_path(&wire.url);

    let mut query = Vec::new();
    for field in &wire.query {
        let value = text(&field.value).ok_or_else(|| Error::Internal("a signed query holds a secret".into()))?;
        query.push((encoded(&field.name), encoded(&value)));
    }
    query.sort();
    let query: Vec<_> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();

    let mut headers: Vec<(String, Parts)> = vec![("host".into(), host.into())];
    for field in &wire.headers {
        let (name, value) = (field.name.to_ascii_lowercase(), trimmed(&field.value));
        match headers.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => *values = values.clone().text(",").then(value),
            None => headers.push((name, value)),
        }
    }
    headers.sort_by(|left, right| left.0.cmp(&right.0));
    let names: Vec<_> = headers.iter().map(|(name, _)| name.as_str()).collect();
    let signed_headers = names.join(";");

    let mut parts = Parts::from(format!("{}\n{}\n{}\n", wire.method, encoded_path(path), query.join("&")));
    for (name, value) in headers {
        parts = parts.text(name).text(":").then(value).text("\n");
    }
    parts = parts.text(format!("\n{signed_headers}\n"));
    let body = wire.body.as_deref().unwrap_or_default();
    let request = match text(body) {
        Some(body) => parts.text(sha256_hex(body)?),
        None => parts.hex(digest(DigestAlgorithm::Sha256, Parts::from_parts(body))?),
    };
    Ok(Canonical { request, signed_headers })
}

fn string_to_sign(date: &str, scope: &str, canonical: &Parts) -> Result<Parts, Error> {
    let head = Parts::from(format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n"));
    match canonical.as_text() {
        Some(text) => Ok(head.text(sha256_hex(text)?)),
        None => Ok(head.hex(digest(DigestAlgorithm::Sha256, canonical.clone())?)),
    }
}

/// `https://host[:port]/path`; the path is `/` when there is none.
fn host_and_path(url: &str) -> (&str, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    // `Host` has no default port.
    (host.strip_suffix(":443").unwrap_or(host), if path.is_empty() { "/" } else { path })
}

fn text(parts: &[Part]) -> Option<String> {
    Parts::from_parts(parts).as_text().map(str::to_owned)
}

/// Collapses blanks in text and trims it.
fn trimmed(value: &[Part]) -> Parts {
    match text(value) {
        Some(text) => text.split_ascii_whitespace().collect::<Vec<_>>().join(" ").into(),
        None => Parts::from_parts(value),
    }
}

/// `20150830T123600Z`, from `Sun, 30 Aug 2015 12:36:00 GMT`.
fn amz_date(unix_seconds: i64) -> Result<String, Error> {
    let seconds = u64::try_from(unix_seconds).map_err(|_| Error::Internal("the time is before 1970".into()))?;
    let date = fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds));
    let month = MONTHS.iter().position(|name| *name == &date[8..11]).unwrap_or_default() + 1;
    Ok(format!("{}{month:02}{}T{}Z", &date[12..16], &date[5..7], date[17..25].replace(':', "")))
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const KEY_PREFIX: &str = "AWS4";

#[cfg(test)]
mod tests;
