//! Request headers of server-sent events: whether the client accepts them, and the last
//! one it received.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::header::ACCEPT;
use http::request::Parts;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ObjectBuilder, Required, Type};

use crate::app::App;

/// Whether the client accepts a stream of events.
pub(crate) struct WantsEvents(pub(crate) bool);

impl FromRequestParts<App> for WantsEvents {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Infallible> {
        Ok(Self(accepts_events(&parts.headers)))
    }
}

impl IntoParams for WantsEvents {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "With `text/event-stream` among what is accepted, progress is told while it is made.";
        vec![header("Accept", description, "text/event-stream")]
    }
}

/// The id of the last event that the client received; `None` on a first connection.
pub(crate) struct LastEventId(pub(crate) Option<String>);

impl FromRequestParts<App> for LastEventId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Infallible> {
        let sent = parts.headers.get(LAST_EVENT_ID).map(|value| value.to_str().unwrap_or_default().to_owned());
        Ok(Self(sent))
    }
}

impl IntoParams for LastEventId {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "The `id` that was told last: goes on after it, or begins with the event `reset` where that \
                           is too long ago.";
        vec![header(LAST_EVENT_ID, description, "5f0c6a528f8e4d7a-118")]
    }
}

fn header(name: &str, description: &str, example: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .example(Some(example.into()))
        .build()
}

fn accepts_events(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let media_types = values.flat_map(|value| value.split(',')).filter_map(|range| range.split(';').next());
    media_types.map(str::trim).any(|media_type| media_type.eq_ignore_ascii_case(EVENT_STREAM))
}

const LAST_EVENT_ID: &str = "Last-Event-ID";
const EVENT_STREAM: &str = "text/event-stream";

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn events_are_wanted_where_they_are_named() {
        let accepts =
            |value: &'static str| accepts_events(&HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(value))]));
        assert!(accepts("text/event-stream"));
        assert!(accepts("application/json, Text/Event-Stream;q=0.5"));
        assert!(!accepts("application/json") && !accepts("*/*") && !accepts_events(&HeaderMap::new()));
    }
}
