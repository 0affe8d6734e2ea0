//! `If-Match` (RFC 9110, section 13.1.1).

use axum::extract::FromRequestParts;
use bursar_kernel::IfMatch as Wanted;
use bursar_kernel::store::Revision;
use http::header::IF_MATCH;
use http::request::Parts;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ObjectBuilder, Required, Type};

use crate::app::App;
use crate::problem::Problem;

/// The precondition; `None` without the header.
pub(crate) struct IfMatch(pub(crate) Option<Wanted>);

impl FromRequestParts<App> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        // Several lines are one list (RFC 9110, section 5.3).
        let lines: Vec<&str> =
            parts.headers.get_all(IF_MATCH).iter().map(|line| line.to_str().unwrap_or_default()).collect();
        Ok(Self((!lines.is_empty()).then(|| parse(&lines.join(",")))))
    }
}

impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "The `ETag` this change was decided on, or several of them: the change is refused with 412 \
                           where the resource has another by now. `*`: whatever it is, so long as it is there. \
                           Absent: whatever it is.";
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

/// The revisions in a list of tags. Foreign tags name none; neither do weak ones, since
/// the comparison is strong.
fn parse(list: &str) -> Wanted {
    if list.trim() == "*" {
        return Wanted::Existing;
    }
    let mut revisions = Vec::new();
    let mut rest = list;
    // A tag may hold commas; each ends with its second quote.
    while let Some((before, tag, after)) = next_tag(rest) {
        let is_strong = before.trim_matches([' ', '\t', ',']).is_empty();
        revisions.extend(revision(tag).filter(|_| is_strong));
        rest = after;
    }
    Wanted::OneOf(revisions)
}

fn next_tag(list: &str) -> Option<(&str, &str, &str)> {
    let (before, from_tag) = list.split_once('"')?;
    let (tag, after) = from_tag.split_once('"')?;
    Some((before, tag, after))
}

fn revision(tag: &str) -> Option<Revision> {
    tag.bytes().all(|byte| byte.is_ascii_digit()).then(|| tag.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_each_strong_tag_of_ours_and_no_other() {
        for (list, revisions) in [
            ("\"42\"", vec![42]),
            ("\"1\", \"42\"", vec![1, 42]),
            (" ,\"1\"\t,,\"42\" ,", vec![1, 42]),
            ("\"1,\", \"2\"", vec![2]),
            ("W/\"1\", \"2\", W/\"3\"", vec![2]),
            ("*, \"2\"", vec![]),
            ("42", vec![]),
            ("\"\", \"+1\", \"x\"", vec![]),
            ("\"99999999999999999999999\", \"7", vec![]),
        ] {
            assert_eq!(parse(list), Wanted::OneOf(revisions), "{list}");
        }
        assert_eq!(parse(" * "), Wanted::Existing);
    }
}
