//! Requests to Cloud DNS in the service account's name.

use std::cell::Cell;

use bursar_plugin_sdk::http::{Parts, Request, Response, Secret, encoded};
use bursar_plugin_sdk::json::json;
use bursar_plugin_sdk::signing::{Key, jwt};
use bursar_plugin_sdk::{Error, Violations, clock};

use crate::config::{Config, SECRET};
use crate::failure;

/// The API for one call; signs in at the first request.
pub(crate) struct Session {
    pub(crate) config: Config,
    is_signed_in: Cell<bool>,
}

impl Session {
    pub(crate) fn new(config: Config) -> Self {
        Self { config, is_signed_in: Cell::new(false) }
    }

    /// The address of `path` below the project.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{API}/projects/{}/{path}", encoded(&self.config.project))
    }

    /// Sends what `request` makes. If the token is refused although it is new,
    /// signs in again once.
    pub(crate) fn send(&self, request: impl Fn() -> Request) -> Result<Response, Error> {
        if !self.is_signed_in.get() {
            self.sign_in()?;
        }
        let send = || request().bearer(Parts::new().captured("access-token")).send();
        let response = send()?;
        if response.status != 401 {
            return Ok(response);
        }
        self.sign_in()?;
        send()
    }

    /// The JWT bearer grant (RFC 7523), whose token stays at the host:
    /// <https://developers.google.com/identity/protocols/oauth2/service-account>.
    fn sign_in(&self) -> Result<(), Error> {
        let Config { client_email: Some(email), private_key_id: Some(key_id), .. } = &self.config else {
            return Err(not_derived());
        };
        let now = clock::now()?;
        let claims = json!({
            "iss": email, "scope": SCOPE, "aud": TOKEN, "iat": now, "exp": now + LIFETIME_SECONDS,
        });
        let key = Key::pem(Secret(SECRET), "/private_key")?;
        let assertion = jwt::rs256(key, &json!({ "kid": key_id }), &claims)?;
        let response = Request::post(TOKEN)
            .form(&[("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer".into()), ("assertion", assertion)])
            .endpoint("token")
            .send()?;
        if !response.is_success() {
            return Err(failure::of_sign_in(&response, email));
        }
        if response.captured().is_empty() {
            return Err(failure::OAUTH.unreadable(&response));
        }
        self.is_signed_in.set(true);
        Ok(())
    }
}

/// For credentials saved before the operator granted the manifest's `derives`.
fn not_derived() -> Error {
    let message = "The service account's address was not read from the key file: let this plugin derive the fields \
                   it asks for (plugins.granted_derives), and paste the key file again.";
    Violations::one(SECRET, "client-email", message).into()
}

const API: &str = "https://dns.googleapis.com/dns/v1";
/// Also the audience, regardless of the key file's `token_uri`, as in
/// google-auth.
const TOKEN: &str = "https://oauth2.googleapis.com/token";
const SCOPE: &str = "https://www.googleapis.com/auth/ndev.clouddns.readwrite";
/// An hour is the maximum; a call takes at most a minute.
const LIFETIME_SECONDS: i64 = 600;
