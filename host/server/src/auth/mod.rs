//! Authentication: a handler that takes a [`Caller`] runs for authenticated callers only.

mod limiter;
pub(crate) mod permit;
mod refusals;

use axum::extract::FromRequestParts;
use bursar_access::TokenText;
use bursar_kernel::{Error, Kind, Request};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;

pub(crate) use limiter::Limiter;
pub(crate) use permit::Permit;
pub(crate) use refusals::Refusals;

use crate::app::App;
use crate::problem::Problem;
use crate::request::client_address;
use crate::request_id;

/// An authenticated caller within their rate limit. As an extractor it runs
/// before the body is read.
pub(crate) struct Caller(pub(crate) bursar_kernel::Caller);

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Session::from_request_parts(parts, app).await.map(|session| Self(session.caller))
    }
}

/// A caller of a request so long that it authenticates them again.
pub(crate) struct Session {
    /// As last authenticated.
    pub(crate) caller: bursar_kernel::Caller,
    token: TokenText,
}

impl Session {
    /// Authenticates the same token again.
    ///
    /// # Errors
    ///
    /// Where the token is no longer valid, or the store is not available.
    pub(crate) async fn renewed(&self, app: &App) -> Result<bursar_kernel::Caller, Error> {
        app.broker().tokens.authenticate(self.token.expose(), self.caller.request.clone()).await
    }
}

impl FromRequestParts<App> for Session {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let address = client_address(parts, &app.config().trusted_proxies);
        let request = Request { id: request_id::current(), client: address.map(|address| address.to_string()) };
        match authenticate(&parts.headers, request, app).await {
            Ok(session) => {
                app.limiter().check(&session.caller).inspect_err(|_| app.metrics().count_rate_limited())?;
                Ok(session)
            }
            Err(error) if error.kind == Kind::Unauthenticated => {
                app.metrics().count_auth_refused();
                Err(app.refusals().refuse(address, error))
            }
            Err(error) => Err(error.into()),
        }
    }
}

async fn authenticate(headers: &HeaderMap, request: Request, app: &App) -> Result<Session, Error> {
    let refused = |message| Error::new(Kind::Unauthenticated, message);
    let token =
        bearer(headers).ok_or_else(|| refused("a bearer token is needed: send it as `Authorization: Bearer`"))?;
    let caller = app.broker().tokens.authenticate(token, request).await?;
    let token = TokenText::parse(token).ok_or_else(|| refused("a valid bearer token is needed"))?;
    Ok(Session { caller, token })
}

/// The token of `Authorization: Bearer <token>` (RFC 6750, section 2.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tokens are read from the scheme `Bearer` alone (S3-03).
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
