//! What targets over HTTP share: which addresses are allowed, which certificates
//! are trusted, and how a missing answer is reported.

use std::error::Error;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use bursar_regions::TargetError;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Response};
use url::{Host, Url};
use zeroize::Zeroizing;

use crate::settings::Violations;

/// How to reach a server.
pub(crate) struct Connection {
    /// Its address.
    pub(crate) url: Url,
    /// A file of root certificates (PEM), trusted instead of the system's.
    pub(crate) ca_file: Option<String>,
    /// The timeout of a whole request.
    pub(crate) timeout: Duration,
}

impl Connection {
    /// A connection by the settings `caFile` and `timeoutSeconds`, and the one at
    /// `pointer`, which holds the URL. `None` where there is no usable URL; why is
    /// added to `violations`.
    pub(crate) fn new(
        (pointer, url): (&str, Option<&str>),
        ca_file: Option<String>,
        timeout_seconds: Option<u64>,
        violations: &mut Violations,
    ) -> Option<Self> {
        let timeout = Duration::from_secs(timeout_seconds.unwrap_or(DEFAULT_TIMEOUT_SECONDS));
        match parse(url?) {
            Ok(url) => Some(Self { url, ca_file, timeout }),
            Err(message) => {
                violations.add(pointer, "format", message);
                None
            }
        }
    }

    /// A client that follows no redirects, which would forward secrets, and
    /// ignores proxies of the environment.
    ///
    /// # Errors
    ///
    /// [`TargetError::Invalid`] where the file of root certificates cannot be used.
    pub(crate) fn client(&self) -> Result<Client, TargetError> {
        let mut builder = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .timeout(self.timeout)
            .user_agent(concat!("bursar/", env!("CARGO_PKG_VERSION")));
        if let Some(path) = &self.ca_file {
            let invalid = |what: &str| TargetError::Invalid(format!("the file of `caFile`, {path}, {what}"));
            let pem = std::fs::read(path).map_err(|error| invalid(&format!("cannot be read: {error}")))?;
            let roots = Certificate::from_pem_bundle(&pem).unwrap_or_default();
            if roots.is_empty() {
                return Err(invalid("holds no certificate in PEM"));
            }
            builder = builder.tls_certs_only(roots);
        } else if self.url.scheme() == "http" {
            // The system's roots are not needed then, and may be missing.
            builder = builder.tls_certs_only([]);
        }
        builder.build().map_err(|error| TargetError::Failed(format!("no HTTP client: {}", root_cause(&error))))
    }

    /// The address for messages: without the query, which may hold secrets.
    pub(crate) fn shown(&self) -> String {
        let mut url = self.url.clone();
        url.set_query(None);
        url.as_str().trim_end_matches('/').to_owned()
    }

    /// The error for a request without an answer.
    pub(crate) fn unreachable(&self, error: &reqwest::Error) -> TargetError {
        let at = self.shown();
        if let Some(reason) = distrust(error) {
            return TargetError::Unreachable(format!(
                "the certificate of {at} is not trusted ({reason}): give its root certificate as `caFile`"
            ));
        }
        TargetError::Unreachable(if error.is_timeout() {
            format!(
                "no answer from {at} in {} s: check that it is up, or raise `timeoutSeconds`",
                self.timeout.as_secs()
            )
        } else if error.is_connect() {
            format!("no connection to {at} ({}): check that it is up, and that the address is right", root_cause(error))
        } else {
            format!("the connection to {at} ended before the answer was complete")
        })
    }

    /// The body of an answer.
    ///
    /// # Errors
    ///
    /// Where it is longer than `limit` bytes, or cut off.
    pub(crate) async fn body(&self, response: Response, limit: usize) -> Result<Zeroizing<Vec<u8>>, TargetError> {
        let body = self.beginning(response, limit).await?;
        if body.len() > limit {
            return Err(TargetError::Failed(format!("the answer of {} is longer than {limit} bytes", self.shown())));
        }
        Ok(body)
    }

    /// The body of an answer, read until it is longer than `limit` bytes.
    ///
    /// # Errors
    ///
    /// Where it is cut off.
    pub(crate) async fn beginning(
        &self,
        mut response: Response,
        limit: usize,
    ) -> Result<Zeroizing<Vec<u8>>, TargetError> {
        let mut body = Zeroizing::new(Vec::new());
        while body.len() <= limit
            && let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(&error))?
        {
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// `Retry-After` in seconds. Its other form, a date, is ignored: it relies on two
/// clocks that agree.
pub(crate) fn retry_after_seconds(response: &Response) -> Option<u32> {
    response.headers().get("retry-after")?.to_str().ok()?.trim().parse().ok()
}

/// An address that secrets may be sent to.
fn parse(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "This must be a URL, such as https://vault.example.com.")?;
    match (url.scheme(), url.host()) {
        ("https", Some(_)) => {}
        ("http", Some(host)) if is_loopback(&host) => {}
        ("http", _) => {
            return Err("This must be https, since secrets are sent there. Only a loopback address may be http.");
        }
        _ => return Err("This must be an https URL with a host."),
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err("This must be a URL without a user name, password and fragment.");
    }
    Ok(url)
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => IpAddr::from(*address).is_loopback(),
        Host::Ipv6(address) => IpAddr::from(*address).is_loopback(),
    }
}

/// Why the certificate is not trusted, where that is the cause.
fn distrust(error: &reqwest::Error) -> Option<String> {
    causes(error).find_map(|cause| match cause.downcast_ref::<rustls::Error>()? {
        rustls::Error::InvalidCertificate(why) => Some(why.to_string()),
        _ => None,
    })
}

/// The innermost cause: `Connection refused`, never the URL.
fn root_cause(error: &reqwest::Error) -> String {
    causes(error).last().map_or_else(|| "the cause is unknown".to_owned(), ToString::to_string)
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |&cause| {
        // An I/O error exposes the source of what it wraps, not what it wraps.
        let wrapped = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        wrapped.map(|wrapped| wrapped as &(dyn Error + 'static)).or_else(|| cause.source())
    })
}

const DEFAULT_TIMEOUT_SECONDS: u64 = 10;
