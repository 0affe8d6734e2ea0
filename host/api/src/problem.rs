use bursar_kernel::Violation;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A failed request (RFC 9457).
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Path of a page that explains this type of problem.
    pub r#type: String,
    /// Always the same for a type.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// One sentence about this occurrence; holds no secrets.
    pub detail: String,
    /// The request's id, as in the log and the audit trail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Everything that is wrong with the input, at once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<InputError>,
    /// What is in the way, where that is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<Conflict>,
}

/// Something that is in the way.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct Conflict {
    /// What it is: `binding`, `credential`, `dns-record`, `region`, `account`.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Its path, or that of the list it is in.
    pub url: String,
}

/// One thing that is wrong with the input.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct InputError {
    /// JSON Pointer (RFC 6901) into the body, or `?name` for a query parameter.
    pub pointer: String,
    /// Stable and machine-readable: `required`, `type`, `format`, `unknown`,
    /// `taken`, `immutable`, `secret-required`, or one of the type's own.
    pub code: String,
    /// What is wrong and the cure.
    pub message: String,
}

impl From<bursar_kernel::Conflict> for Conflict {
    fn from(conflict: bursar_kernel::Conflict) -> Self {
        Self { kind: conflict.kind, id: conflict.id, name: conflict.name, url: conflict.url }
    }
}

impl From<Violation> for InputError {
    fn from(violation: Violation) -> Self {
        Self { pointer: violation.pointer, code: violation.code, message: violation.message }
    }
}
