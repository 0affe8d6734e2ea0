//! Which problems an operation may answer with, in sets.

use std::collections::BTreeMap;

use bursar_api::{InputError, Problem};
use utoipa::IntoResponses;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

use super::examples;
use crate::problem::{MEDIA_TYPE, ProblemType};

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
    /// What any operation that needs a token may answer.
    NeedsToken: [Unauthenticated, Denied, NotFound, Invalid, Throttled, Internal, Unavailable];
    /// What an operation with a body adds.
    ReadsBody: [Malformed, BodyTimeout, Conflict, TooLarge, UnsupportedMediaType];
    /// What a change without a body adds.
    MayConflict: [Conflict];
    /// What an operation that honours `If-Match` adds.
    Conditional: [Stale];
    /// What an operation that calls a plugin adds.
    CallsPlugin: [PluginFailed];
    /// What a page that may be missing answers.
    NotFound: [NotFound];
}

/// What work at a region adds, which may end incomplete.
pub(crate) struct RegionIncomplete;

/// The same for all regions of an account.
pub(crate) struct AccountIncomplete;

impl IntoResponses for RegionIncomplete {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        incomplete("EnsuredRegion")
    }
}

impl IntoResponses for AccountIncomplete {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        incomplete("SyncedAccount")
    }
}

/// What readiness adds: the reason, for who asks.
pub(crate) struct NotReady;

impl IntoResponses for NotReady {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        beside_the_problem("Ready", ProblemType::Unavailable, "It is not ready")
    }
}

fn incomplete(schema: &str) -> BTreeMap<String, RefOr<Response>> {
    let description = "Not everything is in place, or it cannot be worked at now";
    beside_the_problem(schema, ProblemType::Conflict, description)
}

/// A status answered either with a body of its own or with a problem.
fn beside_the_problem(schema: &str, of: ProblemType, description: &str) -> BTreeMap<String, RefOr<Response>> {
    let content =
        ContentBuilder::new().schema(Some(Ref::from_schema_name(schema))).example(examples::incomplete(schema)).build();
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
