//! What the targets that speak HTTP have in common: where they may lead, whom
//! they trust, and what to say of an answer that does not come.

use std::error::Error;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use bursar_domain::region::TargetError;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Response};
use url::{Host, Url};
use zeroize::Zeroizing;

use crate::settings::Settings;

/// How to speak with the other side.
pub(crate) struct Connection {
    /// Where it is.
    pub(crate) url: Url,
    /// Root certificates (PEM) to trust instead of the system's.
    pub(crate) ca_file: Option<String>,
    /// For a whole request.
    pub(crate) timeout: Duration,
}

impl Connection {
    /// Reads the settings `name`, `caFile` and `timeoutSeconds`. None where the
    /// first cannot be used; the complaints are in `settings`.
    pub(crate) fn read(settings: &mut Settings<'_>, name: &str) -> Option<Self> {
        let url = url(settings, name);
        let ca_file = settings.text("caFile").map(str::to_owned);
        if ca_file.as_ref().is_some_and(|path| !path.starts_with('/')) {
            settings.complain("caFile", "format", "This must be an absolute path of a file on the broker's machine.");
        }
        let seconds = settings.number("timeoutSeconds").unwrap_or(DEFAULT_TIMEOUT_SECONDS);
        if !(1..=MAX_TIMEOUT_SECONDS).contains(&seconds) {
            settings.complain("timeoutSeconds", "range", "This must be from 1 to 300.");
        }
        Some(Self { url: url?, ca_file, timeout: Duration::from_secs(seconds) })
    }

    /// A client that follows no redirect, since it would take secrets along, and
    /// knows no proxy of the environment's.
    ///
    /// # Errors
    ///
    /// [`TargetError::Invalid`] where the file of root certificates is of no use.
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
            // The system's roots are not needed then, and may not be there.
            builder = builder.tls_certs_only([]);
        }
        builder.build().map_err(|error| TargetError::Failed(format!("no HTTP client: {}", root_cause(&error))))
    }

    /// Where it is, for people: without a query, which may hold anything.
    pub(crate) fn shown(&self) -> String {
        let mut url = self.url.clone();
        url.set_query(None);
        url.as_str().trim_end_matches('/').to_owned()
    }

    /// Why no answer came.
    pub(crate) fn unreachable(&self, error: &reqwest::Error) -> TargetError {
        let at = self.shown();
        if let Some(reason) = distrust(error) {
            return TargetError::Unreachable(format!(
                "the certificate of {at} is not trusted ({reason}): give its root certificate as `caFile`"
            ));
        }
        TargetError::Unreachable(if error.is_timeout() {
            format!(
                "no answer from {at} in {} s: see whether it is up, or raise `timeoutSeconds`",
                self.timeout.as_secs()
            )
        } else if error.is_connect() {
            format!("no connection to {at} ({}): see whether it is up, and the address right", root_cause(error))
        } else {
            format!("the connection to {at} ended before the answer was whole")
        })
    }

    /// The body of an answer.
    ///
    /// # Errors
    ///
    /// Where it is longer than `limit` bytes, or ends too early.
    pub(crate) async fn body(&self, response: Response, limit: usize) -> Result<Zeroizing<Vec<u8>>, TargetError> {
        let body = self.beginning(response, limit).await?;
        if body.len() > limit {
            return Err(TargetError::Failed(format!("the answer of {} is longer than {limit} bytes", self.shown())));
        }
        Ok(body)
    }

    /// The body of an answer; the rest is not read where it is longer than
    /// `limit` bytes.
    ///
    /// # Errors
    ///
    /// Where it ends too early.
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

/// What `Retry-After` says in seconds. Its other form, a date, is not read: it
/// counts on two clocks to agree.
pub(crate) fn retry_after_seconds(response: &Response) -> Option<u32> {
    response.headers().get("retry-after")?.to_str().ok()?.trim().parse().ok()
}

fn url(settings: &mut Settings<'_>, name: &str) -> Option<Url> {
    let text = settings.text(name)?;
    let Ok(url) = Url::parse(text) else {
        settings.complain(name, "format", "This must be a URL, such as https://vault.example.com.");
        return None;
    };
    let why_not = match (url.scheme(), url.host()) {
        ("https", Some(_)) => None,
        ("http", Some(host)) if is_loopback(&host) => None,
        ("http", _) => Some("This must be https: what is sent there is secret. Only a loopback address may be http."),
        _ => Some("This must be an https URL with a host."),
    };
    let why_not = why_not.or_else(|| {
        let parts = !url.username().is_empty() || url.password().is_some() || url.fragment().is_some();
        parts.then_some("This must be a URL without a user name, password and fragment.")
    });
    if let Some(why_not) = why_not {
        settings.complain(name, "format", why_not);
        return None;
    }
    Some(url)
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => IpAddr::from(*address).is_loopback(),
        Host::Ipv6(address) => IpAddr::from(*address).is_loopback(),
    }
}

/// What is wrong with the certificate, where that is why.
fn distrust(error: &reqwest::Error) -> Option<String> {
    causes(error).find_map(|cause| match cause.downcast_ref::<rustls::Error>()? {
        rustls::Error::InvalidCertificate(why) => Some(why.to_string()),
        _ => None,
    })
}

/// The innermost reason: `Connection refused`, never the URL.
fn root_cause(error: &reqwest::Error) -> String {
    causes(error).last().map_or_else(|| "no reason is known".to_owned(), ToString::to_string)
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |&cause| {
        // An I/O error tells the source of what it wraps, and not what it wraps.
        let wrapped = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        wrapped.map(|wrapped| wrapped as &(dyn Error + 'static)).or_else(|| cause.source())
    })
}

const DEFAULT_TIMEOUT_SECONDS: u64 = 10;
const MAX_TIMEOUT_SECONDS: u64 = 300;
