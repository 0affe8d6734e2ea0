//! The settings, and which sign-in they mean.

use bursar_domain::Violation;
use bursar_domain::region::{Login, TargetError};
use bursar_domain::secret::SecretJson;
use zeroize::Zeroizing;

use super::KIND;
use super::session::SignIn;
use crate::http::Connection;
use crate::settings::Settings;

/// What the settings say.
pub(super) struct Read {
    pub(super) connection: Connection,
    pub(super) place: Place,
    pub(super) namespace: Option<String>,
    pub(super) sign_in: Option<SignIn>,
    pub(super) auth_mount: String,
}

/// Where secrets go.
pub(super) struct Place {
    pub(super) mount: String,
    pub(super) prefix: String,
}

/// Reads the settings, with every complaint. Nothing where the address is of no use.
pub(super) fn read(settings: &SecretJson) -> (Option<Read>, Vec<Violation>) {
    let mut settings = Settings::new(&KIND, settings);
    let connection = Connection::read(&mut settings, "address");
    if connection.as_ref().is_some_and(|connection| connection.url.query().is_some()) {
        settings.complain("address", "format", "This must be a URL without a query.");
    }
    let mount = path(&mut settings, "mount").unwrap_or("secret").to_owned();
    let prefix = path(&mut settings, "prefix").unwrap_or("bursar").to_owned();
    let namespace = path(&mut settings, "namespace").map(str::to_owned);
    let auth_mount = path(&mut settings, "authMount").unwrap_or("approle").to_owned();
    let sign_in = sign_in_of(&mut settings, &auth_mount);
    let place = Place { mount, prefix };
    let read = connection.map(|connection| Read { connection, place, namespace, sign_in, auth_mount });
    (read, settings.finish())
}

/// The sign-in of the settings, or else the one that is kept as a credential.
///
/// # Errors
///
/// Where there is none, or none that can be sent.
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

fn sign_in_of(settings: &mut Settings<'_>, auth_mount: &str) -> Option<SignIn> {
    let token = settings.text("token");
    let role_id = settings.text("roleId");
    let secret_id = settings.text("secretId");
    if token.is_some_and(|token| !is_token(token)) {
        settings.complain("token", "format", "This must be a token: visible ASCII characters only.");
    }
    match (token, role_id, secret_id) {
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) => {
            settings.complain("token", "conflict", "Set either this, or `roleId` and `secretId`.");
            None
        }
        (None, Some(_), None) => {
            settings.complain("secretId", "required", "This is required beside `roleId`.");
            None
        }
        (None, None, Some(_)) => {
            settings.complain("roleId", "required", "This is required beside `secretId`.");
            None
        }
        (Some(token), None, None) => Some(SignIn::Token(Zeroizing::new(token.to_owned()))),
        (None, Some(role_id), Some(secret_id)) => Some(SignIn::AppRole {
            mount: auth_mount.to_owned(),
            role_id: Zeroizing::new(role_id.to_owned()),
            secret_id: Zeroizing::new(secret_id.to_owned()),
        }),
        (None, None, None) => None,
    }
}

/// A path whose segments mean themselves in a URL and in a policy.
fn path<'a>(settings: &mut Settings<'a>, name: &str) -> Option<&'a str> {
    let text = settings.text(name)?;
    let means_itself = |segment: &str| {
        let plain = segment.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        plain && !segment.is_empty() && segment != "." && segment != ".."
    };
    if text.split('/').all(means_itself) {
        return Some(text);
    }
    let message = "This must be names of letters, digits, `-`, `_` and `.`, with `/` between them and at no end.";
    settings.complain(name, "format", message);
    None
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}
