//! Path parameters. A value that does not parse is not found.

use axum::extract::FromRequestParts;
use bursar_kernel::Error;
use bursar_kernel::id::{Reference, TokenId};
use http::request::Parts;
use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use utoipa::IntoParams;

use crate::app::App;
use crate::problem::Problem;

/// The path's values.
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        match axum::extract::Path::from_request_parts(parts, app).await {
            Ok(axum::extract::Path(values)) => Ok(Self(values)),
            Err(_) => Err(Error::not_found("thing at this address").into()),
        }
    }
}

/// Something inside an account.
#[derive(serde::Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct AccountPath {
    /// The account's id or name.
    #[param(value_type = String, example = "default")]
    #[serde(deserialize_with = "reference")]
    pub(crate) account: Reference,
}

/// A credential.
#[derive(serde::Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct CredentialPath {
    /// The account's id or name.
    #[param(value_type = String, example = "default")]
    #[serde(deserialize_with = "reference")]
    pub(crate) account: Reference,
    /// The credential's id or name; deleted ones have no name.
    #[param(value_type = String, example = "ghcr")]
    #[serde(deserialize_with = "reference")]
    pub(crate) credential: Reference,
}

/// A version of a credential.
#[derive(serde::Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct VersionPath {
    /// The account's id or name.
    #[param(value_type = String, example = "default")]
    #[serde(deserialize_with = "reference")]
    pub(crate) account: Reference,
    /// The credential's id or name.
    #[param(value_type = String, example = "ghcr")]
    #[serde(deserialize_with = "reference")]
    pub(crate) credential: Reference,
    /// The version's number, from 1.
    #[param(minimum = 1, example = 1)]
    pub(crate) version: u32,
}

/// A member.
#[derive(serde::Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct MemberPath {
    /// The account's id or name.
    #[param(value_type = String, example = "default")]
    #[serde(deserialize_with = "reference")]
    pub(crate) account: Reference,
    /// Who: 1-255 printable characters, percent-encoded where need be.
    #[param(example = "alice")]
    pub(crate) principal: String,
}

/// What a consumer uses in a slot.
#[derive(serde::Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct BindingPath {
    /// The account's id or name.
    #[param(value_type = String, example = "default")]
    #[serde(deserialize_with = "reference")]
    pub(crate) account: Reference,
    /// Who: kind and name, percent-encoded where need be.
    #[param(example = "app:web")]
    pub(crate) consumer: String,
    /// Where: one of a credential type's `slots`.
    #[param(example = "database")]
    pub(crate) slot: String,
}

/// An account's use of a region.
#[derive(serde::Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct AccountRegionPath {
    /// The account's id or name.
    #[param(value_type = String, example = "default")]
    #[serde(deserialize_with = "reference")]
    pub(crate) account: Reference,
    /// The region's id or name.
    #[param(value_type = String, example = "eu")]
    #[serde(deserialize_with = "reference")]
    pub(crate) region: Reference,
}

/// A region.
#[derive(serde::Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct RegionPath {
    /// The region's id or name.
    #[param(value_type = String, example = "eu")]
    #[serde(deserialize_with = "reference")]
    pub(crate) region: Reference,
}

/// A token of an account.
#[derive(serde::Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct AccountTokenPath {
    /// The account's id or name.
    #[param(value_type = String, example = "default")]
    #[serde(deserialize_with = "reference")]
    pub(crate) account: Reference,
    /// The token's id.
    #[param(value_type = uuid::Uuid, example = "0199f3c1-8a51-7c6b-9a0e-5a3c1f2b7d10")]
    pub(crate) token: TokenId,
}

/// A token of operators.
#[derive(serde::Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OperatorTokenPath {
    /// The token's id.
    #[param(value_type = uuid::Uuid, example = "0199f3c1-8a51-7c6b-9a0e-5a3c1f2b7d10")]
    pub(crate) token: TokenId,
}

/// A credential type.
#[derive(serde::Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct CredentialTypePath {
    /// The type's id.
    #[param(example = "database-login")]
    pub(crate) r#type: String,
}

/// A DNS provider.
#[derive(serde::Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct DnsProviderPath {
    /// The provider's id: its type's without `dns-`.
    #[param(example = "example")]
    pub(crate) provider: String,
}

/// A plugin.
#[derive(serde::Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct PluginPath {
    /// The plugin's id, or its file's stem where it could not be described.
    #[param(example = "database-login")]
    pub(crate) plugin: String,
}

/// A type of problem.
#[derive(serde::Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ProblemPath {
    /// Last segment of a problem's `type`.
    #[param(example = "invalid-input")]
    pub(crate) slug: String,
}

fn reference<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Reference, D::Error> {
    String::deserialize(deserializer).map(|text| Reference::from(text.as_str()))
}
