//! The settings, and how to sign in.

use bursar_kernel::secret::SecretJson;
use bursar_regions::{Login, TargetError};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::KIND;
use super::session::SignIn;
use crate::http::Connection;
use crate::settings::{Violations, whole};

/// The settings, as the schema lets them pass.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct OpenBaoSettings {
    address: Option<String>,
    mount: Option<String>,
    prefix: Option<String>,
    namespace: Option<String>,
    ca_file: Option<String>,
    token: Option<Zeroizing<String>>,
    role_id: Option<Zeroizing<String>>,
    secret_id: Option<Zeroizing<String>>,
    auth_mount: Option<String>,
    #[serde(deserialize_with = "whole")]
    timeout_seconds: Option<u64>,
}

/// What the settings stand for.
pub(super) struct OpenBaoOptions {
    pub(super) connection: Connection,
    pub(super) location: KvLocation,
    pub(super) namespace: Option<String>,
    pub(super) sign_in: Option<SignIn>,
    pub(super) auth_mount: String,
}

/// Where secrets are stored.
pub(super) struct KvLocation {
    pub(super) mount: String,
    pub(super) prefix: String,
}

impl OpenBaoOptions {
    /// Reads the settings.
    ///
    /// # Errors
    ///
    /// Every violation.
    pub(super) fn read(settings: &SecretJson) -> Result<Self, Violations> {
        let (settings, mut violations) = KIND.read::<OpenBaoSettings>(settings);
        let address = ("/address", settings.address.as_deref());
        let connection = Connection::new(address, settings.ca_file, settings.timeout_seconds, &mut violations);
        if connection.as_ref().is_some_and(|connection| connection.url.query().is_some()) {
            violations.add("/address", "format", "This must be a URL without a query.");
        }
        let auth_mount = settings.auth_mount.unwrap_or_else(|| "approle".to_owned());
        let sign_in = match (settings.token, settings.role_id, settings.secret_id) {
            (Some(token), None, None) => {
                check_token(&token, &mut violations);
                Some(SignIn::Token(token))
            }
            (Some(token), ..) => {
                check_token(&token, &mut violations);
                violations.add("/token", "conflict", "Set either this, or `roleId` and `secretId`.");
                None
            }
            (None, Some(_), None) => {
                violations.add("/secretId", "required", "This is required with `roleId`.");
                None
            }
            (None, None, Some(_)) => {
                violations.add("/roleId", "required", "This is required with `secretId`.");
                None
            }
            (None, Some(role_id), Some(secret_id)) => {
                Some(SignIn::AppRole { mount: auth_mount.clone(), role_id, secret_id })
            }
            (None, None, None) => None,
        };
        let location = KvLocation {
            mount: settings.mount.unwrap_or_else(|| "secret".to_owned()),
            prefix: settings.prefix.unwrap_or_else(|| "bursar".to_owned()),
        };
        let namespace = settings.namespace;
        violations.none_or(connection.map(|connection| Self { connection, location, namespace, sign_in, auth_mount }))
    }
}

/// The sign-in of the settings, or else the region's login credential.
///
/// # Errors
///
/// Where there is none, or one that cannot be sent.
pub(super) fn sign_in(
    of_settings: Option<SignIn>,
    login: Option<Login>,
    auth_mount: String,
) -> Result<SignIn, TargetError> {
    if let Some(sign_in) = of_settings {
        return Ok(sign_in);
    }
    let Some(login) = login else {
        let cure = "set `token`, or `roleId` and `secretId`, or give the region a login credential";
        return Err(TargetError::Invalid(format!("there is no sign-in: {cure}")));
    };
    if !login.username.is_empty() && login.username != "token" {
        let role_id = Zeroizing::new(login.username);
        return Ok(SignIn::AppRole { mount: auth_mount, role_id, secret_id: login.password });
    }
    if !is_token(&login.password) {
        return Err(TargetError::Invalid("the password of the login credential is not a token".to_owned()));
    }
    Ok(SignIn::Token(login.password))
}

fn check_token(token: &str, violations: &mut Violations) {
    if !is_token(token) {
        violations.add("/token", "format", "This must be a token: visible ASCII characters only.");
    }
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}
