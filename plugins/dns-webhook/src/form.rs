use bursar_plugin_sdk::cert_manager::Common;
use bursar_plugin_sdk::json::{Map, Value};
use bursar_plugin_sdk::{Error, Violations};
use serde::{Deserialize, Serialize};

/// The form without its secrets.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Config {
    pub(crate) endpoint: String,
    pub(crate) mode: Option<Mode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allow_raw: Option<bool>,
    pub(crate) authentication: Option<Authentication>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) username: Option<String>,
    pub(crate) signature: Option<Signature>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) group_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) solver_name: Option<String>,
    /// The `config` of a pasted cert-manager solver.
    #[serde(rename = "config", skip_serializing_if = "Option::is_none")]
    pub(crate) for_solver: Option<Map<String, Value>>,
    #[serde(flatten)]
    pub(crate) common: Common,
}

/// What a request contains.
#[derive(Clone, Copy, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) enum Mode {
    /// Name and value of the record.
    #[serde(rename = "default")]
    Default,
    /// Domain, token and key authorization.
    #[serde(rename = "RAW")]
    Raw,
}

/// How the endpoint authenticates its caller. It is public because calls of the
/// network plane do not see which secrets exist.
#[derive(Clone, Copy, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Authentication {
    /// Not at all, or only by the signature.
    None,
    /// RFC 7617.
    Basic,
    /// RFC 6750.
    Bearer,
}

/// Whether requests are signed.
#[derive(Clone, Copy, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Signature {
    /// They are not.
    None,
    /// HMAC-SHA256 over time and body.
    Hmac,
}

impl Config {
    /// With the defaults filled in.
    pub(crate) fn normalised(mut self) -> Result<Self, Error> {
        let mut violations = Violations::new();
        violations.require(
            !self.username.as_deref().unwrap_or_default().contains(':'),
            "/username",
            "colon",
            "The user name holds a colon, which ends the name in Basic authentication; choose one without.",
        );
        violations.finish()?;
        self.endpoint = self.endpoint.trim_end_matches('/').to_owned();
        self.authentication = Some(self.authentication());
        self.mode = Some(self.mode());
        self.signature.get_or_insert(Signature::None);
        Ok(self)
    }

    pub(crate) fn authentication(&self) -> Authentication {
        let by_name = if self.username.is_some() { Authentication::Basic } else { Authentication::None };
        self.authentication.unwrap_or(by_name)
    }

    pub(crate) fn mode(&self) -> Mode {
        self.mode.unwrap_or(Mode::Default)
    }

    pub(crate) fn is_signed(&self) -> bool {
        self.signature == Some(Signature::Hmac)
    }
}

/// The whole form.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Full {
    #[serde(flatten)]
    pub(crate) config: Config,
    pub(crate) password: Option<String>,
    bearer_token: Option<String>,
    hmac_secret: Option<String>,
}

impl Full {
    /// The given secrets, each with its pointer.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all =
            [("/password", &self.password), ("/bearerToken", &self.bearer_token), ("/hmacSecret", &self.hmac_secret)];
        all.into_iter().filter_map(|(pointer, secret)| Some((pointer, secret.as_deref()?)))
    }
}
