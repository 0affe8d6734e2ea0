//! Who asks: a handler that takes a [`Caller`] cannot run for anybody else.

mod limiter;
mod refusals;

use axum::extract::FromRequestParts;
use bursar_domain::access::{self, Request};
use bursar_domain::{Error, Kind};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;

pub(crate) use limiter::TokenLimiter;
pub(crate) use refusals::Refusals;

use crate::app::App;
use crate::problem::Problem;
use crate::request::client_address;
use crate::request_id;

/// An authenticated caller within their rate limit. As an extractor it runs
/// before the body is read.
pub(crate) struct Caller(pub(crate) access::Caller);

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let address = client_address(parts);
        let request = Request { id: request_id::current(), client: address.map(|address| address.to_string()) };
        let authenticated = match bearer(&parts.headers) {
            Some(token) => app.broker().authenticate(token, request).await,
            None => {
                Err(Error::new(Kind::Unauthenticated, "a bearer token is needed: send it as `Authorization: Bearer`"))
            }
        };
        match authenticated {
            Ok(caller) => {
                app.limiter().check(&caller).inspect_err(|_| app.metrics().count_rate_limited())?;
                Ok(Self(caller))
            }
            Err(error) if error.kind == Kind::Unauthenticated => {
                app.metrics().count_auth_refused();
                Err(app.refusals().refuse(address, error))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// The token of `Authorization: Bearer <token>` (RFC 6750, section 2.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bearer_tokens_are_read() {
        let read = |value: &'static str| {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, http::HeaderValue::from_static(value))]);
            bearer(&headers).map(ToOwned::to_owned)
        };
        assert_eq!(read("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(read("bearer  abc").as_deref(), Some("abc"));
        assert_eq!(read("Basic abc"), None);
        assert_eq!(read("abc"), None);
    }
}
