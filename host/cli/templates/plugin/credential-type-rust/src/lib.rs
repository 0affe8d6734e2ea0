//! A user name and a password for {{title}}.
//!
//! Least privilege: say here which account to use, and what it needs not have.
//!
//! Formats: <https://www.rfc-editor.org/rfc/rfc7617>.

#![forbid(unsafe_code)]

use bursar_plugin_sdk::{Artifact, Context, CredentialType, Error, Inspection, Rewrite, Violations, export_type, variable};
use serde::{Deserialize, Serialize};

export_type!({{type}});

/// The credential type `{{id}}`.
pub struct {{type}};

impl CredentialType for {{type}} {
    type Public = Public;
    type Full = Full;

    // Without the secrets: normalise, derive attributes, name what it is found by.
    fn inspect(data: Public, _: &Context) -> Result<Inspection, Error> {
        let mut violations = Violations::new();
        let is_clean = !data.username.chars().any(char::is_control);
        violations.require(is_clean, "/username", "invalid", "Paste the user name without line breaks.");
        violations.finish()?;
        let username = data.username.to_lowercase();
        Inspection::new(Public { username: username.clone() })?.attribute("username", username)
    }

    // With them: codes from the manifest's `messages`, nothing else gets out.
    fn check(data: Full, _: &Context) -> Result<Vec<Rewrite>, Error> {
        let mut violations = Violations::new();
        let is_bare = data.password.trim() == data.password;
        violations.require(is_bare, "/password", "spaces", "Paste the password alone.");
        violations.finish()?;
        Ok(Vec::new())
    }

    fn materialize(data: Full, format: &str, _: &Context) -> Result<Vec<Artifact>, Error> {
        let Full { username, password } = &data;
        match format {
            "login" => Ok(Artifact::login(username, password)),
            "env" => Artifact::env(&[
                variable("{{variable}}_USERNAME", "/username", username),
                variable("{{variable}}_PASSWORD", "/password", password),
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
