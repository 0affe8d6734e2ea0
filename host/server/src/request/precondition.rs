//! `If-Match` (RFC 9110, section 13.1.1).

use axum::extract::FromRequestParts;
use bursar_domain::store::Revision;
use bursar_domain::{Error, Kind};
use http::header::IF_MATCH;
use http::request::Parts;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ObjectBuilder, Required, Type};

use crate::app::App;
use crate::problem::Problem;

/// The revision the caller decided on; `None` without the header or for `*`.
pub(crate) struct IfMatch(pub(crate) Option<Revision>);

impl FromRequestParts<App> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(IF_MATCH) else { return Ok(Self(None)) };
        let text = value.to_str().unwrap_or_default().trim();
        if text == "*" {
            return Ok(Self(None));
        }
        // What is no tag of ours matches no revision of ours.
        parse(text).map(|revision| Self(Some(revision))).ok_or_else(|| {
            let message = "If-Match names no revision of this: send the ETag you read, or `*`";
            Error::new(Kind::Stale, message).into()
        })
    }
}

impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "The `ETag` this change was decided on: the change is refused with 412 where the resource \
                           has another by now. Absent or `*`: whatever it is.";
        vec![
            ParameterBuilder::new()
                .name("If-Match")
                .parameter_in(ParameterIn::Header)
                .required(Required::False)
                .description(Some(description))
                .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
                .example(Some("\"42\"".into()))
                .build(),
        ]
    }
}

fn parse(tag: &str) -> Option<Revision> {
    let digits = tag.strip_prefix('"')?.strip_suffix('"')?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_tags_are_revisions() {
        assert_eq!(parse("\"42\""), Some(42));
        for foreign in ["42", "W/\"42\"", "\"\"", "\"+1\"", "\"1\", \"2\"", "\"99999999999999999999999\""] {
            assert_eq!(parse(foreign), None, "{foreign}");
        }
    }
}
