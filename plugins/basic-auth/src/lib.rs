//! One user of HTTP Basic authentication, for an ingress or a web server.
//!
//! Least privilege: the web server gets only the bcrypt hash; the password
//! itself is only in the formats for clients.
//!
//! Formats: RFC 7617 and
//! <https://httpd.apache.org/docs/2.4/misc/password_encryptions.html>.

#![forbid(unsafe_code)]

use base64::Engine;
use base64::alphabet::BCRYPT;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use bursar_plugin_sdk::{
    Artifact, Context, CredentialType, Error, Inspection, Rewrite, Violations, export_type, serde, variable,
};
use serde::{Deserialize, Serialize};

export_type!(BasicAuth);

/// The credential type `basic-auth`.
pub struct BasicAuth;

impl CredentialType for BasicAuth {
    type Public = Public;
    type Full = Full;

    fn inspect(data: Public, _: &Context) -> Result<Inspection, Error> {
        let mut violations = Violations::new();
        // RFC 7617, section 2: a user-id has neither.
        violations.require(!data.username.contains(':'), "/username", "colon", "Choose a user name without a colon.");
        let clean = !data.username.chars().any(char::is_control);
        violations.require(clean, "/username", "control-character", "Paste the user name without line breaks.");
        violations.finish()?;
        Inspection::new(data)
    }

    fn check(data: Full, _: &Context) -> Result<Vec<Rewrite>, Error> {
        let mut violations = Violations::new();
        let clean = !data.password.chars().any(char::is_control);
        violations.require(clean, "/password", "control-character", "Paste the password without line breaks.");
        let fits = data.password.len() <= MAX_BCRYPT_BYTES;
        violations.require(fits, "/password", "too-long", "Choose a password of at most 72 bytes.");
        violations.finish()?;
        Ok(Vec::new())
    }

    fn materialize(data: Full, format: &str, context: &Context) -> Result<Vec<Artifact>, Error> {
        let Full { username, password } = &data;
        match format {
            "nginx/htpasswd" => {
                check_htpasswd_name(username)?;
                let line = format!("{username}:{}\n", bcrypt_hash(password, context.salt()?)?);
                Ok(vec![Artifact::text("auth", line)])
            }
            "kubernetes.io/basic-auth" | "login" => Ok(Artifact::login(username, password)),
            "env" => Artifact::env(&[
                variable("BASIC_AUTH_USERNAME", "/username", username),
                variable("BASIC_AUTH_PASSWORD", "/password", password),
            ]),
            _ => Err(Error::unknown_format()),
        }
    }
}

/// The form without its secret.
#[derive(Deserialize, Serialize)]
pub struct Public {
    username: String,
}

/// The whole form.
#[derive(Deserialize)]
pub struct Full {
    username: String,
    password: String,
}

/// Refuses a name that an htpasswd file cannot hold: `#` starts a comment in
/// nginx and Apache, and Apache trims the line.
fn check_htpasswd_name(username: &str) -> Result<(), Error> {
    if username.starts_with('#') || username.starts_with(char::is_whitespace) {
        return Err(Violations::one(
            "/username",
            "not-in-htpasswd",
            "Choose a name that starts with a letter or digit.",
        )
        .into());
    }
    Ok(())
}

/// The crypt(3) string `$2y$10$<22 salt><31 hash>`.
fn bcrypt_hash(password: &str, salt: [u8; 16]) -> Result<String, Error> {
    if password.len() > MAX_BCRYPT_BYTES {
        return Err(Violations::one("/password", "too-long", "Choose a password of at most 72 bytes.").into());
    }
    // bcrypt reads the password with its terminating NUL, up to 72 bytes.
    let mut key = [password.as_bytes(), b"\0"].concat();
    key.truncate(MAX_BCRYPT_BYTES);
    let hash = bcrypt::bcrypt(COST, salt, &key);
    // The text leaves out the last of the 24 bytes.
    Ok(format!("$2y${COST}${}{}", BCRYPT_BASE64.encode(salt), BCRYPT_BASE64.encode(&hash[..23])))
}

const COST: u32 = 10;
const MAX_BCRYPT_BYTES: usize = 72;
const BCRYPT_BASE64: GeneralPurpose = GeneralPurpose::new(&BCRYPT, NO_PAD);
