//! The contract's exported vocabulary, in words that follow no version.

use bursar_kernel::plugin::{Context, Progress, TxtRecord};

use super::bindings::bursar::plugin::types;
use super::bindings::exports::bursar::plugin::{dns01, form, materializer};
use crate::answer::{RawArtifact, RawInspection, RawNetworkAnswer, RawRewrite, RawViolation, Refusal};

impl From<&Context> for types::Context {
    fn from(context: &Context) -> Self {
        Self {
            name: context.name.clone(),
            version: context.version,
            seed: context.seed.to_vec(),
            options: context.options.to_string(),
        }
    }
}

impl From<types::Error> for Refusal {
    fn from(error: types::Error) -> Self {
        match error {
            types::Error::Invalid(violations) => {
                Self::Invalid(violations.into_iter().map(RawViolation::from).collect())
            }
            types::Error::Denied(text) => Self::Denied(text),
            types::Error::NotFound(text) => Self::NotFound(text),
            types::Error::Throttled(seconds) => Self::Throttled(seconds),
            types::Error::Unavailable(text) => Self::Unavailable(text),
            types::Error::Unsupported(text) => Self::Unsupported(text),
            types::Error::Internal(text) => Self::Internal(text),
        }
    }
}

impl From<types::Violation> for RawViolation {
    fn from(said: types::Violation) -> Self {
        Self { pointer: said.pointer, code: said.code, message: said.message }
    }
}

impl From<form::Inspection> for RawInspection {
    fn from(said: form::Inspection) -> Self {
        Self {
            data: said.data,
            attributes: said.attributes,
            selectors: said.selectors.into_iter().map(|selector| (selector.kind, selector.value)).collect(),
            order: said.order,
            not_before: said.not_before,
            not_after: said.not_after,
        }
    }
}

impl From<form::Rewrite> for RawRewrite {
    fn from(said: form::Rewrite) -> Self {
        Self { pointer: said.pointer, value: said.value.into() }
    }
}

impl From<materializer::Artifact> for RawArtifact {
    fn from(said: materializer::Artifact) -> Self {
        Self { name: said.name, media_type: said.media_type, content: said.content.into(), sensitive: said.sensitive }
    }
}

impl From<types::Report> for RawNetworkAnswer {
    fn from(said: types::Report) -> Self {
        Self::Report { summary: said.summary, details: said.details }
    }
}

impl From<dns01::Progress> for Progress {
    fn from(said: dns01::Progress) -> Self {
        match said {
            dns01::Progress::Done => Self::Done,
            dns01::Progress::Pending(seconds) => Self::Pending(seconds),
        }
    }
}

impl From<&TxtRecord> for dns01::TxtRecord {
    fn from(record: &TxtRecord) -> Self {
        Self {
            fqdn: record.fqdn.clone(),
            zone_hint: record.zone_hint.clone(),
            value: record.value.clone(),
            ttl_seconds: record.ttl_seconds,
        }
    }
}
