//! Which problems an operation may answer with, in sets.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

use crate::problem::{MEDIA_TYPE, ProblemType};
use crate::schema::{InputError, Problem, examples};

macro_rules! problems {
    ($($(#[$doc:meta])* $set:ident: [$($of:ident),+];)+) => {$(
        $(#[$doc])*
        pub(crate) struct $set;

        impl IntoResponses for $set {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                describe(&[$(ProblemType::$of),+])
            }
        }
    )+};
}

problems! {
    /// Of everything that needs a token.
    NeedsToken: [Unauthenticated, Denied, NotFound, Invalid, Throttled, Internal, Unavailable];
    /// Of what reads a body.
    ReadsBody: [Malformed, BodyTimeout, Conflict, TooLarge, UnsupportedMediaType];
    /// Of what changes without reading a body.
    MayConflict: [Conflict];
    /// Of what honours `If-Match`.
    Conditional: [Stale];
    /// Of what asks a plugin.
    CallsPlugin: [PluginFailed];
    /// Of what may not be there.
    NotFound: [NotFound];
}

/// Of work at a region that may end short of what was wanted.
pub(crate) struct RegionIncomplete;

/// The same at all regions of an account.
pub(crate) struct AccountIncomplete;

impl IntoResponses for RegionIncomplete {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        falls_short("EnsuredRegion")
    }
}

impl IntoResponses for AccountIncomplete {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        falls_short("SyncedAccount")
    }
}

/// Of what may not be ready, and tells why where that is asked for.
pub(crate) struct NotReady;

impl IntoResponses for NotReady {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        beside_the_problem("Ready", ProblemType::Unavailable, "It is not ready")
    }
}

fn falls_short(schema: &str) -> BTreeMap<String, RefOr<Response>> {
    let description = "Not everything is in place, or it cannot be worked at now";
    beside_the_problem(schema, ProblemType::Conflict, description)
}

/// A status with what came of it, beside the problem of the same status.
fn beside_the_problem(schema: &str, of: ProblemType, description: &str) -> BTreeMap<String, RefOr<Response>> {
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(schema)))
        .example(examples::falls_short(schema))
        .build();
    let mut response = response(of);
    description.clone_into(&mut response.description);
    response.content.insert("application/json".to_owned(), content.into());
    BTreeMap::from([(of.row().status.to_string(), RefOr::T(response))])
}

fn describe(problems: &[ProblemType]) -> BTreeMap<String, RefOr<Response>> {
    problems.iter().map(|of| (of.row().status.to_string(), RefOr::Ref(reference(*of)))).collect()
}

fn reference(of: ProblemType) -> Ref {
    Ref::new(format!("#/components/responses/{}", of.row().slug))
}

/// The response that all operations refer to.
pub(super) fn response(of: ProblemType) -> Response {
    let row = of.row();
    let example = Problem {
        r#type: format!("/problems/{}", row.slug),
        title: row.title.to_owned(),
        status: row.status,
        detail: example_detail(of).to_owned(),
        request_id: Some("5f0c6a52-8f8e-4d7a-9d0e-3c1b9a7e2f11".to_owned()),
        errors: example_errors(of),
        conflicts: Vec::new(),
    };
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .example(serde_json::to_value(example).ok())
        .build();
    ResponseBuilder::new().description(row.title).content(MEDIA_TYPE, content).build()
}

fn example_detail(of: ProblemType) -> &'static str {
    match of {
        ProblemType::Malformed => "the body is not JSON, or is nested too deep: line 3, column 14",
        ProblemType::Unauthenticated => "a valid bearer token is needed",
        ProblemType::Denied => "your role does not allow this",
        ProblemType::NotFound => "there is no such credential",
        ProblemType::MethodNotAllowed => "this address has no such method: see /openapi.json",
        ProblemType::BodyTimeout => "the request's body did not arrive in time",
        ProblemType::Conflict => "/name: This name is taken: choose another.",
        ProblemType::Overtaken => "it kept changing while this was tried: try again",
        ProblemType::QuotaExceeded => {
            "the account has 1000 tokens, which is its quota: delete those that are expired or unused, \
             or ask the operator to raise quotas.tokens"
        }
        ProblemType::Stale => "it has changed since you read it: read it again and decide again",
        ProblemType::TooLarge => "the request's body is larger than 262144 bytes (limits.body_bytes)",
        ProblemType::UnsupportedMediaType => "send the body uncompressed as application/json",
        ProblemType::Invalid => "/data/password: This is required.",
        ProblemType::Unsupported => "credentials of this type are never a default",
        ProblemType::Throttled => "this token asks faster than it may: wait and try again",
        ProblemType::Internal => "the request failed on our side: report it with the request's id",
        ProblemType::PluginFailed => "the plugin failed: ran out of its time budget",
        ProblemType::Unavailable => "storage is not available",
    }
}

fn example_errors(of: ProblemType) -> Vec<InputError> {
    let error = |pointer: &str, code: &str, message: &str| InputError {
        pointer: pointer.to_owned(),
        code: code.to_owned(),
        message: message.to_owned(),
    };
    match of {
        ProblemType::Invalid => vec![error("/data/password", "required", "This is required.")],
        ProblemType::Conflict => vec![error("/name", "taken", "This name is taken: choose another.")],
        _ => Vec::new(),
    }
}
